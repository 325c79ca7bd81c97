import pytest

from benchmarks.storm import STATEMENT, lost_events


def test_nothing_is_lost_when_each_reader_has_what_its_topic_missed():
    assert lost_events([[1, 3], [2, 4]], [[1, 3], [2, 4], [1, 3]]) == 0


def test_what_a_reader_lacks_is_counted():
    assert lost_events([[1, 3], [2, 4]], [[1], [2, 4], []]) == 3


@pytest.mark.parametrize("got", [[3, 1], [1, 1, 3], [1, 2]])
def test_what_is_out_of_order_doubled_or_anothers_ends_the_benchmark(got):
    with pytest.raises(SystemExit, match="Reader 0"):
        lost_events([[1, 3]], [got])


def test_statements_of_one_line_and_of_many_are_found_in_the_servers_log():
    log = "LOG:  statement: BEGIN\nLOG:  statement:\n\tSELECT 1\n\n\tFROM events_event\nLOG:  received SIGHUP\n"
    assert [text.split() for text in STATEMENT.findall(log)] == [["BEGIN"], ["SELECT", "1", "FROM", "events_event"]]
