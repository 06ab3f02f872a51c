"""Stems, and the parts of names."""

from knowledge.memory.keywords import distinct_keywords, find_keywords, stem


def test_words_are_stemmed_and_names_are_split_beside_the_whole():
    assert find_keywords("Crashing pods") == ["crash", "pod"]
    name = find_keywords("KubePodCrashLooping")
    assert name[1:] == ["kube", "pod", "crash", "loop"]
    assert find_keywords("NodeRAIDDegraded")[1:] == ["node", "raid", "degrad"]
    assert distinct_keywords("pod Pods POD") == ("pod",)


def test_codes_and_plain_words_stay_whole():
    assert find_keywords("INV-X0053 for ACME, Berlin") == ["inv", "x0053", "for", "acm", "berlin"]
    assert stem("x0053s") == stem("x0053s")
    assert find_keywords("") == []
