"""The tokenizer of whatever language a config is given."""

from collections.abc import Callable
from typing import Any

from spacy import registry
from spacy.language import Language


@registry.tokenizers("spacy_ner_plus.LanguageTokenizer.v1")
def make_language_tokenizer_v1() -> Callable[[Language], Any]:
    """The tokenizer that spaCy has for nlp.lang, for configs that serve several languages.

    With spacy.Tokenizer.v1, which most languages have, a clause of Chinese, Japanese or Thai is one
    token. The tokenizer is the language's own: nothing of this function stays in it.
    """

    def make(nlp: Language) -> Any:
        default: dict[str, Any] = nlp.default_config["nlp"]["tokenizer"]
        return registry.resolve({"tokenizer": default})["tokenizer"](nlp)

    return make
