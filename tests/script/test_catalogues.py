from script.development import catalogues

PATH = catalogues.LOCALE / "de/LC_MESSAGES/djangojs.po"


def test_the_words_of_scripts_are_those_of_the_catalogue_and_complete():
    text = PATH.read_text("utf-8")
    assert (catalogues.WORDS / "de.js").read_text("utf-8") == catalogues.script(text)
    assert all(all(said.split("\0")) for said in catalogues.messages(text).values())


def test_a_text_with_forms_for_several_numbers_is_a_list():
    text = 'msgid "a"\nmsgstr "b"\n\nmsgid "one"\nmsgid_plural "many"\nmsgstr[0] "eins"\nmsgstr[1] "viele"\n'
    assert '"a": "b"' in catalogues.script(text)
    assert '"one": [\n    "eins",\n    "viele"\n  ]' in catalogues.script(text)
