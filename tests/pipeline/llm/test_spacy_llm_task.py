"""The task for spacy-llm, by itself and in its factory."""

from typing import Any

import pytest
import spacy
from spacy.tokens import Doc

from spacy_ner_plus.pipeline.llm.spacy_llm_task import SpacyLlmNer, make_ner_task_v1
from spacy_ner_plus.pipeline.llm_reading.grounding.mentions import Mention
from spacy_ner_plus.pipeline.llm_reading.prompting.worked_examples import WorkedExample
from tests.pipeline.llm_reading.fake_server import asked_text, finds

LEXICON = {"aspirin": "Chemical", "fever": "Disease"}


def answer(prompt: str) -> str:
    """What a model that knows some words says."""
    body: Any = finds(LEXICON)({"prompt": prompt}).body
    return str(body["choices"][0]["text"])


def ask(task: SpacyLlmNer, docs: list[Doc], said: Any = answer) -> list[Doc]:
    pairs = [(list(prompts), list(shards)) for prompts, shards in task.generate_prompts(docs)]
    replies = [[said(prompt) for prompt in prompts] for prompts, _ in pairs]
    return list(task.parse_responses([shards for _, shards in pairs], replies))


def found(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_long_docs_are_asked_about_in_pieces() -> None:
    nlp = spacy.blank("en")
    task = make_ner_task_v1(["Chemical", "Disease"], chunk_tokens=10, chunk_overlap=4)
    docs = [nlp.make_doc("We gave aspirin and fever came . " * 9), nlp.make_doc("")]
    [(prompts, _), *_] = list(task.generate_prompts(docs))
    assert len(list(prompts)) > 5
    first, second = ask(task, docs)
    assert found(first) == [("aspirin", "Chemical"), ("fever", "Disease")] * 9
    assert not found(second)


def test_what_is_not_answered_is_missing() -> None:
    task = make_ner_task_v1(["Disease"])
    [doc] = ask(task, [spacy.blank("en").make_doc("a fever")], lambda _: "I won't.")
    assert [token.ent_iob_ for token in doc] == ["", ""]


def test_examples_are_in_the_prompt() -> None:
    task = make_ner_task_v1(["Disease"], n_shots=1)
    task.add_examples([WorkedExample("No gout", (Mention("gout", "Disease"),))])
    [(prompts, _)] = list(task.generate_prompts([spacy.blank("en").make_doc("a fever")]))
    [prompt] = prompts
    assert "<text>\nNo gout\n</text>" in prompt
    assert asked_text({"prompt": prompt}) == "a fever"


def test_the_factory_of_spacy_llm_takes_it() -> None:
    spacy_llm = pytest.importorskip("spacy_llm")
    registry = spacy_llm.registry.registry

    @registry.llm_models("tests.Lexicon.v1")  # type: ignore[misc]
    def make_lexicon() -> Any:
        from typing import Iterable  # noqa: UP035

        def ask_all(prompts: Iterable[Iterable[Any]]) -> Iterable[Iterable[Any]]:
            return [[answer(prompt) for prompt in own] for own in prompts]

        return ask_all

    nlp = spacy.blank("en")
    nlp.add_pipe(
        "llm",
        config={
            "task": {"@llm_tasks": "spacy_ner_plus.NER.v1", "labels": ["Chemical", "Disease"]},
            "model": {"@llm_models": "tests.Lexicon.v1"},
        },
    )
    with pytest.warns(UserWarning, match="does not provide context length"):
        nlp.get_pipe("llm")._check_sharding()  # type: ignore[attr-defined]
    assert found(nlp("aspirin for fever")) == [("aspirin", "Chemical"), ("fever", "Disease")]
