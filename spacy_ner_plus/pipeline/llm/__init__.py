"""The factory `ner_plus_llm`."""
