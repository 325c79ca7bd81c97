import pytest

from events.cursor import Cursor, InvalidCursor, new_epoch, parse


@pytest.mark.parametrize("position", [0, 1, 2**63 - 1])
def test_a_cursor_reads_back_what_it_wrote(position):
    assert parse(str(Cursor("k3x9", position))) == Cursor("k3x9", position)


BAD_PLACES = ["", "-", "5", "--5", "-5x", "-5\n", "-\u0665", f"-{2**63}", "-" + "1" * 20]
BAD_EPOCHS = ["", " k3x9", "K3X9", "k3x", "x" * 17]


@pytest.mark.parametrize(
    "text", [*(f"k3x9{place}" for place in BAD_PLACES), *(f"{epoch}-5" for epoch in BAD_EPOCHS), None, 5, b"k3x9-5"]
)
def test_what_is_no_cursor_is_refused(text):
    with pytest.raises(InvalidCursor, match="not a cursor"):
        parse(text)


def test_a_new_epoch_is_another_and_makes_a_cursor():
    epochs = {new_epoch() for _ in range(100)}
    assert len(epochs) == 100
    assert all(parse(f"{epoch}-1").epoch == epoch for epoch in epochs)
