"""The nearest names are suggested."""

from convscope.suggest import did_you_mean


def test_near_names_are_suggested():
    assert did_you_mean("lenet", ["lenet5", "vgg16"]) == "did you mean lenet5?"
    assert did_you_mean("xyz", ["lenet5"], otherwise="see the list") == "see the list"
    assert did_you_mean("a1", ["a2", "a3", "a4"], most=2).count(" or ") == 1
