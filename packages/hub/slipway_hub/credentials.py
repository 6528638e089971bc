"""Whether a parameter of an address looks as if it let somebody in, by its name or by its value.

No list has all that do: applications call them what they like. A name counts by what its words
mean, a value by its form. What is left out needlessly costs a colleague a click.
"""

import re
import unicodedata

_PARTS = re.compile(
    r"to?ke?n|secret|passw|passphrase|passcode|credential|signature|csrf|xsrf|cookie|sess(ion|id)"
    r"|(api|auth|access|share|sign)key|bearer|assertion|saml|authori[sz]|authenti|oauth|private"
)
"""What means a credential wherever it stands in a name. `tkn` is VS Code's."""
_WORDS = re.compile(
    r"auth|key|pass|pwd|pw|pin|otp|totp|mfa|code|state|nonce|ticket|sig|sid|jwt|sas|hmac|invite|creds?"
)
"""What means one as a whole word of a name: a keyboard and a design are none."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

_FORMS = re.compile(
    r"\b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"  # a UUID
    r"|\beyJ[A-Za-z0-9_-]{8,}\."  # a JSON web token
    r"|\b(gh[a-z]_|github_pat_|glpat-|xox[a-z]-|sk-|ya29\.|hf_)(?=[A-Za-z_-]*[0-9])[\w-]{10,}"
    r"|://[^/?#@\s]*:[^/?#@\s]*@"  # a password in an address
)
_RANDOM = re.compile(r"[A-Za-z0-9]{16,}|[A-Za-z0-9_-]{20,}")


def are_in(query: str) -> bool:
    """Whether part of a query, or of an address inside it, looks like a credential."""
    query = unicodedata.normalize("NFKC", query)
    pairs = [part.partition("=") for part in re.split(r"[?&;#]", query)]
    return any(_is_name(name) or _is_value(value or name) for name, _, value in pairs)


def _is_name(name: str) -> bool:
    letters = re.sub(r"[^a-z]", "", name.lower())
    words = (word.lower() for word in _WORD.findall(name))
    return bool(_PARTS.search(letters)) or any(map(_WORDS.fullmatch, words))


def _is_value(value: str) -> bool:
    return bool(_FORMS.search(value)) or any(map(_is_random, _RANDOM.findall(value)))


def _is_random(text: str) -> bool:
    """Letters among digits, which words, dates and numbers between dashes are not as often.

    Of random base64 1.6 characters of a kind stand together, of a word six.
    """
    pieces = re.findall(r"[a-z]+|[A-Z]+|[0-9]+", text)
    kinds = {"0" if piece.isdigit() else piece.upper() == piece for piece in pieces}
    alone = len(re.sub(r"[_-]", "", text)) / max(len(pieces), 1)
    if text.isalnum():
        hexadecimal = re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", text)
        return "0" in kinds and len(kinds) > 1 and (bool(hexadecimal) or alone < 3)
    return len(kinds) == 3 and alone < 2.5
