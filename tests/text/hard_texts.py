"""Texts in which alignment goes wrong easily."""

from hypothesis import strategies as st

HARD_TEXTS = [
    "",
    " ",
    "\n\t  \r\n",
    "Bob-Smith's U.S. visit cost $3.50, didn't it?",
    "  two  spaces   three    and a trailing one ",
    "tabs\tand\nnew\n\nlines\r\nhere",
    "[SEP] a [CLS] b[SEP]c <s> </s> [PAD] [MASK] [UNK] <pad>",
    "北京是中华人民共和国的首都。 Beijing在北京",
    "東京都港区でSonyの社長が話した。",
    "السلام عليكم يا محمد في القاهرة",
    "שָׁלוֹם עוֹלָם בִּירוּשָׁלַיִם",
    "नमस्ते दुनिया, दिल्ली में",
    "👩\u200d👩\u200d👧 family 🇨🇭🇩🇪 flags 👍🏽 thumb",
    "e\u0301le\u0300ve a\u0301\u0323 A\u030a Zürich \u0301alone",
    "zero\u200bwidth \u200b joiner\u200d \ufeffBOM\ufeff non\u00a0break\u00a0 \u2009thin",
    "control\x00char \x07 \x1b[0m \x85 \u2028line\u2029paragraph",
    "ﬁnance ½ ² № ™ Ⅷ ㎏ ŉ ǆ ß ẞ İstanbul",
    "x" * 300 + " " + "y" * 3,
    "\U0001d400\U0001d401 math, \U00020000 rare han, \U0010fffd private",
]
ANY_TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("aB c\n\t.-'[]\u0301\u200b\u200d\ufeff\u00a0北京👩🇨🇭שםمح"),
    ),
    max_size=60,
)
