import spacy

from spacy_ner_plus.support.package_versions import package_versions


def test_package_versions_tell_what_is_not_there() -> None:
    assert package_versions(["spacy", "no-such-package"]) == {
        "spacy": spacy.__version__,
        "no-such-package": "none",
    }
    assert "torch" in package_versions()
