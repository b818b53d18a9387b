"""Names that belong to nobody: common given and family names by language, and words made of syllables."""

import unicodedata

import numpy as np

from datasets.seed import Ints, below

PEOPLE = {
    "ar": ("Ahmed Fatma Hassan Mariam Omar Nour Youssef Salma", "Ali Hassan Ibrahim Mahmoud Mostafa Saleh"),
    "de": ("Anna Ben Clara Emil Jürgen Lena Moritz Sophie", "Becker Fischer Hoffmann Müller Schäfer Weber"),
    "en": (
        "Amara Chidi Emma Grace James Liam Olivia Tunde",
        "Adeyemi Brown Evans Johnson Okafor Smith Walker",
    ),
    "es": (
        "Andrés Camila Diego Lucía María Mateo Sofía Tomás",
        "García Gómez López Martínez Pérez Rodríguez",
    ),
    "fr": ("Camille Chloé Hugo Inès Jules Léa Louis Zoé", "Bernard Dubois Lefèvre Martin Moreau Petit"),
    "hi": ("Aarav Ananya Arjun Diya Ishaan Kavya Rohan Saanvi", "Gupta Kumar Mehta Sharma Singh Verma"),
    "id": ("Agus Budi Dewi Indah Joko Putri Rina Wahyu", "Hidayat Kusuma Pratama Santoso Setiawan Wijaya"),
    "ja": ("Aoi Haruto Hina Kenji Ren Sakura Yui Yuto", "Ito Kobayashi Sato Suzuki Takahashi Tanaka"),
    "ko": ("Doyun Hajun Jiwoo Minjun Seoyeon Soojin Yuna Yejun", "Choi Jung Kang Kim Lee Park"),
    "pt": (
        "Ana Bruno Gabriela João Larissa Pedro Rafael Sônia",
        "Costa Ferreira Gonçalves Oliveira Santos Silva",
    ),
    "tr": ("Ahmet Ayşe Elif Emre Mehmet Merve Murat Zeynep", "Çelik Demir Kaya Koç Şahin Şimşek"),
    "zh": ("Fang Jing Lei Li Min Na Wei Xiu", "Chen Li Liu Wang Yang Zhang"),
}
SYLLABLES = tuple(consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeio")


def given_and_family(language: str) -> tuple[list[str], list[str]]:
    """Common given names and family names of a language (ISO 639-1)."""
    given, family = PEOPLE[language]
    return given.split(), family.split()


def ascii_only(text: str) -> str:
    """The text without accents, for mail addresses: "Şahin" becomes "Sahin"."""
    plain = unicodedata.normalize("NFKD", text)
    return plain.encode("ascii", "ignore").decode()


def invented(rng: np.random.Generator, size: int, syllables: int = 3) -> list[str]:
    """`size` capitalised words of so many syllables; they may repeat."""
    choices: Ints = below(rng, len(SYLLABLES), size * syllables)
    flat = [SYLLABLES[choice] for choice in choices.tolist()]
    return ["".join(flat[at : at + syllables]).capitalize() for at in range(0, size * syllables, syllables)]
