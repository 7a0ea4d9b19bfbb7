"""XPaths of regions in HTML, as browsers count. All samples are made up."""

import pytest

from spacy_ner_plus.data.formats.label_studio_html import HtmlText, looks_like_html
from spacy_ner_plus.data.formats.label_studio_text import RegionPlace


def place(path, start, end, text=None, **keys):
    told = {} if text is None else {"text": text}
    return {"start": path, "end": path, "startOffset": start, "endOffset": end, **told, **keys}


def covered(html, value):
    found = HtmlText(html).find(value)
    return found and found.text


# The texts and numbers of Label Studio's own test of emoji in HTML.
EMOJI = "<article><h2>🐱 Warning:</h2> <p>🐱 This is a test text</p></article>"
PARAGRAPH = "/article[1]/p[1]/text()[1]"


def test_offsets_in_nodes_are_utf16_and_those_of_all_are_code_points():
    html = HtmlText(EMOJI)
    assert html.text == "🐱 Warning: 🐱 This is a test text"
    value = place(PARAGRAPH, 13, 17, "test", globalOffsets={"start": 23, "end": 27})
    assert html.find(value) == RegionPlace(23, 27, "test")
    del value["text"]
    assert html.value(23, 27) == value
    across = {
        **place(PARAGRAPH, 3, 17, r"Warning:\n🐱 This is a test"),
        "start": "/article[1]/h2[1]/text()[1]",
    }
    assert html.find(across) == RegionPlace(2, 27, "Warning: 🐱 This is a test")


def test_code_points_in_nodes_and_all_nodes_are_tried_where_the_text_does_not_fit():
    assert covered(EMOJI, place(PARAGRAPH, 12, 16, "test")) == "test"
    offsets = {"start": 23, "end": 27}
    assert covered(EMOJI, place("/gone[1]", 0, 4, "test", globalOffsets=offsets)) == "test"
    assert covered(EMOJI, place(PARAGRAPH, 0, 4, "test", globalOffsets=offsets)) == "test"
    assert covered(EMOJI, place(PARAGRAPH, 0, 4, "test")) is None
    assert covered(EMOJI, place("/gone[1]", 0, 4)) is None
    assert covered(EMOJI, {"start": 23, "end": 27, "text": "test"}) is None


@pytest.mark.parametrize(
    ("html", "path", "text"),
    [
        ("<p>a<p>b", "/p[2]/text()[1]", "a\nb"),
        ("<ul><li>a<li>b</ul>", "/ul[1]/li[2]/text()[1]", "a\nb"),
        ("<table><tr><td>a<td>b</table>", "/table[1]/tbody[1]/tr[1]/td[2]/text()[1]", "a\tb"),
        ("<table><td>a<tr><td>b</table>", "/table[1]/tbody[1]/tr[2]/td[1]/text()[1]", "a\nb"),
        ("<div>a<br>b</div>", "/div[1]/text()[2]", "a\nb"),
        ("<p>a<b>b</b>", "/p[1]/b[1]/text()[1]", "ab"),
        ("<p>a<b>x</b>b", "/p[1]/text()[2]", "axb"),
        # comments and scripts are taken out, so that the texts around them are one
        ("<p>a<!-- c --><script>x()</script>b", "/p[1]/text()[1]", "ab"),
        ("<html><head><title>t</title></head><body> <p>b", "/p[1]/text()[1]", " b"),
        ("<html>\n<head><style>p {}</style></head>\n<body><p>b", "/p[1]/text()[1]", "b"),
        ("<div><style>p {}</style>b</div>", "/div[1]/text()[1]", "b"),
        ("<dl><dt>a<dd>b</dl>", "/dl[1]/dd[1]/text()[1]", "a\nb"),
        ("<div>a</p>b</div>", "/div[1]/text()[2]", "a\nb"),
        ("<pre>\r\nb</pre>", "/pre[1]/text()[1]", "b"),
        ("<P>a &amp; b</P>", "/P/text()", "a & b"),
        ("<div><p>a</p></div><img><div>b</div>", "/div[2]/text()[1]", "a\nb"),
        ("<table><thead><tr><th>a</thead><tbody><tr><td>b</table>", None, "a\nb"),
    ],
)
def test_nodes_are_found_as_browsers_make_them(html, path, text):
    made = HtmlText(html)
    assert made.text == text
    at = text.index("b")
    said = made.value(at, at + 1)
    if path is not None:
        steps = path.lower().split("/")
        path = "/".join(one if not one or "[" in one else f"{one}[1]" for one in steps)
        assert said["start"] == said["end"] == path
    assert made.find(said) == RegionPlace(at, at + 1, "b")
    assert made.find({"globalOffsets": said["globalOffsets"], "text": "b"}) == RegionPlace(
        at, at + 1, "b"
    )


def test_line_breaks_count_in_global_offsets_and_gaps_between_blocks_do_not():
    html = HtmlText("<p>ab</p><p>c<br>d</p>")
    assert html.text == "ab\nc\nd"
    assert html.find({"globalOffsets": {"start": 2, "end": 5}}) == RegionPlace(3, 6, "c\nd")
    assert html.value(3, 6)["globalOffsets"] == {"start": 2, "end": 5}
    assert html.find({"globalOffsets": {"start": 2, "end": 99}}) is None


def test_a_region_may_start_with_an_element():
    value = {"start": "/p[2]", "startOffset": 0, "end": "/p[2]/b[1]/text()[1]", "endOffset": 1}
    assert HtmlText("<p>a</p><p><b>bc</b></p>").find(value) == RegionPlace(2, 3, "b")


def test_no_region_starts_between_blocks():
    with pytest.raises(ValueError, match="character 1 stands between elements of the HTML"):
        HtmlText("<p>a</p><p>b</p>").value(1, 3)


@pytest.mark.parametrize(
    ("text", "is_html"),
    [
        ("<p>a</p>", True),
        (" <!DOCTYPE html><html></html>\n", True),
        ("a <b>c</b>", False),
        ("<p>a</p> and more", False),
        ("<3 you </3", False),
        ("", False),
    ],
)
def test_html_is_known_by_its_look(text, is_html):
    assert looks_like_html(text) is is_html
