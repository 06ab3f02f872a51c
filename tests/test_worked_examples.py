"""Reading and applying the worked examples of the documentation."""

import pytest

from tests.worked_examples import FileChange, apply_diff, read_examples

DOCUMENT = """# Title

### First

**`a.py`** (new)

```python
x = 1
```

**`tests/b.py`**

```diff
 old
+new
```

### Second, without files

text

## Another section

**`c.py`**

```python
y = 1
```
"""


def test_an_example_is_a_heading_with_files():
    files = read_examples(DOCUMENT)
    assert files == {
        "First": [
            FileChange("a.py", is_diff=False, text="x = 1\n"),
            FileChange("tests/b.py", is_diff=True, text=" old\n+new\n"),
        ]
    }
    assert [file.is_of_product for file in files["First"]] == [True, False]


def test_a_new_file_takes_no_ones_place(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/b.py").write_text("before\nold\n")
    for change in read_examples(DOCUMENT)["First"]:
        change.apply(tmp_path)
    assert (tmp_path / "a.py").read_text() == "x = 1\n"
    assert (tmp_path / "tests/b.py").read_text() == "before\nold\nnew\n"
    with pytest.raises(AssertionError, match="there already"):
        FileChange("a.py", is_diff=False, text="").apply(tmp_path)


def test_a_diff_has_places_that_are_found_once():
    text = "one\ntwo\n  two\nthree\n"
    assert apply_diff(text, " one\n+new\n@@\n-three\n+3\n", "f") == "one\nnew\ntwo\n  two\n3\n"
    assert apply_diff(text, "+first\n one\n", "f").startswith("first\none\n")
    for place in (" four\n", " on\n"):
        with pytest.raises(AssertionError, match="found 0 times"):
            apply_diff(text, place, "f")
    with pytest.raises(AssertionError, match="found 2 times"):
        apply_diff("one\none\n", " one\n", "f")
