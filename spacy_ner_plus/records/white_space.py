"""White space between tokens, as spaCy's tokenizers note it."""


def add_white_space(run: str, words: list[str], spaces: list[bool]) -> bool:
    """Add what stands behind the words so far.

    One plain space is noted on the word before it. Any further white space becomes a word of its
    own, so that offsets stay exact.

    run (str): The white space, perhaps none.
    words (List[str]): Added to. spaces (List[bool]): Whether a space follows each; changed too.
    RETURNS (bool): Whether there is a word more.
    """
    if run.startswith(" ") and words and not spaces[-1]:
        spaces[-1], run = True, run[1:]
    if run:
        words.append(run)
        spaces.append(False)
    return run != ""
