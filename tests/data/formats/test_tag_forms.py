"""Tags that are written in other ways than B-PER."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.formats.column_tags import write_tags
from spacy_ner_plus.data.formats.tag_forms import LETTERS, find_tag_form, is_tag
from tests.whole_columns import read_columns


def write(tmp_path, content):
    path = tmp_path / "file.tsv"
    path.write_text(content, encoding="utf8")
    return path


@pytest.mark.parametrize(
    ("tags", "form"),
    [
        (["B-a_b", "I-a_b", "O", "S-x"], "B-PER"),
        (["B_PER", "I_PER", "O"], "B_PER"),
        (["B:PER", "E:PER"], "B:PER"),
        (["PER-B", "PER-I", "O"], "PER-B"),
        (["a-b_U", "c_U", "_"], "PER_B"),
        (["B-PER", "B_PER"], "B-PER"),
        (["B-PER-B", "PER-B"], "PER-B"),
        (["PER", "O"], "B-PER"),
        ([], "B-PER"),
    ],
)
def test_find_tag_form_takes_what_all_fit(tags, form):
    assert find_tag_form(dict.fromkeys(tags, 1)).described == form


LABELS = st.text("abz", min_size=2, max_size=3)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(LABELS, st.booleans()), min_size=1, max_size=5),
    st.sampled_from("-_:./|+"),
    st.booleans(),
    st.sampled_from(["BIO", "BILOU", "BMES"]),
)
def test_other_forms_mean_the_same(tmp_path_factory, entities, separator, is_suffixed, scheme):
    spans = [(2 * i, 2 * i + 1 + long, label) for i, (label, long) in enumerate(entities)]
    plain = write_tags(spans, 2 * len(spans) + 1, scheme)
    written = [
        tag if tag == "O" else f"{tag[2:]}{separator}{tag[0]}" if is_suffixed
        else f"{tag[0]}{separator}{tag[2:]}"
        for tag in plain
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("forms") / "a.tsv"
    path.write_text("".join(f"w\tx\t{tag}\n" for tag in written), encoding="utf8")
    file = read_columns(path, scheme=scheme, columns=[3])
    assert list(file.sentences[0].spans) == spans
    found = find_tag_form(dict.fromkeys(written, 1))
    assert [found.plain(tag) for tag in written] == plain


def test_labels_alone_are_io(tmp_path):
    """Made up, as Few-NERD is written."""
    content = "Ann\tperson-actor\nEk\tperson-actor\nsings\tO\nin\tO\nLund\tlocation-GPE\n.\tO\n"
    file = read_columns(write(tmp_path, content))
    assert (file.scheme, file.columns) == ("IO", (2,))
    assert file.sentences[0].spans == ((0, 2, "person-actor"), (4, 5, "location-GPE"))
    file = read_columns(write(tmp_path, "aspirin\tME\nfor\tO\n"))  # letters of tags, but a label
    assert file.sentences[0].spans == ((0, 1, "ME"),)
    with pytest.raises(ValueError, match=r"line 3: .*Unknown tag 'PER'"):
        read_columns(write(tmp_path, "a\tB-PER\nb\tI-PER\nc\tPER\nd\tO\n"))
    with pytest.raises(ValueError, match=r"line 1: 'Ann\\tNNP': Unknown tag 'NNP'"):
        read_columns(write(tmp_path, "Ann\tNNP\nEk\tNNP\n"))


def test_tags_without_a_label_get_the_one_that_is_given(tmp_path):
    """Made up, as the NCBI disease corpus is written for BioBERT."""
    path = write(tmp_path, "colon\tB\ncancer\tI\nis\tO\n")
    with pytest.raises(ValueError, match=r"line 1: .*'B' .* has no label: .* of all such tags"):
        read_columns(path)
    file = read_columns(path, label="Disease")
    assert (file.scheme, file.sentences[0].spans) == ("BIO", ((0, 2, "Disease"),))


@given(st.sampled_from(LETTERS), st.text(min_size=1, max_size=3))
def test_tags_of_the_usual_form_stay_as_they_are(letter, label):
    tag = f"{letter}-{label}"
    assert is_tag(tag)
    assert find_tag_form({tag: 1}).plain(tag) == tag
