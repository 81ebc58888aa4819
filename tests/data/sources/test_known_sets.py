"""Layouts of well-known sets: split folders named after the set, and `labels.txt` as a list or as class names."""

from __future__ import annotations

import json

import numpy as np
import pytest

from convscope.data import load_data
from convscope.errors import DataError
from convscope.problems import collect_problems

from ..hostile import small, write
from ..sets import class_by_name, make_folders
from .test_layouts import build, splits, table


@pytest.mark.parametrize("inner", ["{}/", ""])
def test_split_folders_with_the_name_of_the_set_before_or_behind(inner, tmp_path):
    folders = [f"{name}/{inner.format(name)}" for name in ("seg_train", "seg_test")]
    root = build(tmp_path, *(f"{folder}{c}/*.png" for folder in folders for c in ("sea", "street")))
    build(root / "seg_pred" / inner.format("seg_pred"), "*.jpg")
    data = load_data(root)
    assert data.class_names == ["sea", "street"] and len(data.splits["test"]) == 6
    assert data.origin.splits.startswith("folders seg_train, seg_test")
    assert all("seg_test" in name for name in data.splits["test"].names)


def test_unlabelled_test_images_of_such_a_set_are_left_out(tmp_path, caplog):
    name = "asl_alphabet_{0}/asl_alphabet_{0}/"
    root = build(tmp_path, *(f"{name.format('train')}{c}/*.png" for c in "AB"), f"{name.format('test')}A_test.png")
    data = load_data(root)
    assert data.class_names == ["A", "B"] and len(data.split("all")) == 6
    assert "folder 'asl_alphabet_test' holds images without labels and is not used" in caplog.text


def test_classes_called_after_trains_are_classes(tmp_path):
    root = build(tmp_path, "bullet_train/*.png", "steam_train/*.png", "crash_test/*.png")
    assert load_data(root).class_names == ["bullet_train", "crash_test", "steam_train"]


def test_labels_txt_may_be_a_list_of_images(tmp_path):
    root = build(tmp_path, "images/0.png", "images/1.png", "images/2.png", "images/3.png")
    table(root, "labels.txt", *(f"images/{i}.png {i % 2}" for i in range(4)))
    assert splits(root)["train"].keys() == {"0", "1"}


def test_labels_txt_of_class_names_is_no_list(tmp_path):
    root = build(tmp_path, "0.png", "1.png", "2.png", "3.png")
    table(root, "labels.txt", "0 cat", "1 dog")
    table(root, "t.txt", *(f"{i}.png {i % 2}" for i in range(4)))
    assert load_data(root).class_names == ["cat", "dog"]


def test_tables_that_agree_with_the_folders_have_the_splits(tmp_path):
    """As in EuroSAT, whose classes are folders and whose splits are tables."""
    root = build(tmp_path, "Forest/*.jpg", "River/*.jpg")
    for name, numbers in (("train", (0, 1)), ("test", (2,))):
        rows = [f"{c}/{i}.jpg,{k},{c}" for k, c in enumerate(("Forest", "River")) for i in numbers]
        table(root, f"{name}.csv", "Filename,Label,ClassName", *rows)
    assert splits(root)["test"] == {"Forest": {"Forest/2.jpg"}, "River": {"River/2.jpg"}}


def test_images_in_parts_with_a_table_and_lists_of_splits(tmp_path):
    """As in the chest X-rays of the NIH."""
    root = build(tmp_path, *(f"images_{i % 2}/images/x{i}.png" for i in range(8)))
    table(root, "data.csv", "Image Index,Finding", *(f"x{i}.png,{'ab'[i // 2 % 2]}" for i in range(8)))
    table(root, "train_val_list.txt", *(f"x{i}.png" for i in range(4)))
    table(root, "test_list.txt", *(f"x{i}.png" for i in range(4, 8)))
    assert splits(root)["test"] == {"a": {"x4.png", "x5.png"}, "b": {"x6.png", "x7.png"}}


def test_a_table_whose_label_is_in_doubt_does_not_hide_the_folders_of_classes(tmp_path, caplog):
    """As in Imagenette, whose table has a column for each share of wrong labels."""
    root = build(tmp_path, *(f"{part}/{c}/*.jpg" for part in ("train", "val") for c in ("n01", "n02")))
    rows = [f"{part}/{c}/{i}.jpg,{c},{d}" for part in ("train", "val") for c, d in (("n01", "n02"), ("n02", "n01"))
            for i in range(3)]  # fmt: skip
    table(root, "noisy_imagenette.csv", "path,noisy_labels_0,noisy_labels_50", *rows)
    data = load_data(root)
    assert data.class_names == ["n01", "n02"] and len(data.splits["val"]) == 6
    assert "noisy_imagenette.csv is not used: the folder names are the classes" in caplog.text


def test_the_mini_training_set_of_inaturalist_is_a_split(tmp_path):
    root = build(
        tmp_path, *(f"{part}/{c}/*.jpg" for part in ("train_mini", "val") for c in ("0_Animalia", "1_Animalia"))
    )
    assert {name: len(split) for name, split in load_data(root).splits.items()} == {"train": 6, "val": 6}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Width,Roi.X1,ClassId,Path", "ClassId"),  # traffic signs (GTSRB)
        ("lesion_id,dx,dx_type,image_id", "dx"),  # HAM10000
        ("annotator,lead_time,choice,image", "choice"),  # Label Studio
        ("location,seq_id,category_id,file_name", "category_id"),  # camera traps
        ("Patient ID,Patient Age,Finding Labels,Image Index", "Finding Labels"),  # chest X-rays of the NIH
    ],
)
def test_the_column_of_the_labels_in_known_tables(header, expected, tmp_path):
    root = build(tmp_path, *(f"images/{i}.png" for i in range(8)))
    columns = header.split(",")
    cells = [f"{i // 2},{i % 4},{i % 2},{i}.png" for i in range(8)]
    if columns[1] == "dx":
        cells = [f"{i // 2},{i % 2},{i % 4},{i}" for i in range(8)]
    table(root, "labels.csv", header, *cells)
    data = load_data(root)
    assert data.class_names == ["0", "1"] and f"column {expected}" in data.origin.classes


@pytest.mark.parametrize(
    ("name", "what"), [("x-train.tfrecord-00000-of-00001", "TFRecord"), ("train_X.bin", "bytes without a header")]
)
def test_files_of_other_programs_are_called_by_what_they_are(name, what, tmp_path):
    (tmp_path / name).write_bytes(b"x" * 99)
    with pytest.raises(DataError, match=rf"1 file in \.\w+ \({what}\), which is not read"):
        load_data(tmp_path)


def test_places365_is_read_by_its_lists(tmp_path):
    """Paths begin with a slash, names of lists say the split, and classes have a letter before them."""
    for name in ("airfield", "alley"):
        make_folders(tmp_path / "data_256" / "a", {name: 3}, start=len(name))
    make_folders(tmp_path, {"val_256": 2, "test_256": 2}, start=40)
    rows = [f"/a/{name}/{i:03d}.png {label}" for label, name in enumerate(("airfield", "alley")) for i in range(3)]
    (tmp_path / "places365_train_standard.txt").write_text("\n".join(rows))
    (tmp_path / "places365_val.txt").write_text("000.png 1\n001.png 0\n")
    (tmp_path / "categories_places365.txt").write_text("/a/airfield 0\n/a/alley 1\n")
    with collect_problems() as problems:
        data = load_data(tmp_path)
    assert data.class_names == ["airfield", "alley"]
    assert data.split("train").labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert class_by_name(data, "val") == {"val_256/000.png": "alley", "val_256/001.png": "airfield"}
    assert [p.kind for p in problems] == ["unlabelled-images"]


def test_the_label_column_may_be_one_that_is_not_taken_for_labels(tmp_path):
    """`Id` is an identifier in most tables, and the whale in one of Kaggle's."""
    for i in range(6):
        write(tmp_path / "train" / f"{i}.png", small(i))
    rows = [f"{i}.png,{'new' if i % 3 else 'w1'}" for i in range(6)]
    (tmp_path / "train.csv").write_text("Image,Id\n" + "\n".join(rows))
    with pytest.raises(DataError, match=r"train\.csv has no column .* \(Image, Id\): if one has the classes, name it"):
        load_data(tmp_path)
    assert load_data(tmp_path, label_column="Id").class_names == ["new", "w1"]


def test_lists_for_mxnet_have_a_number_the_class_and_the_path(tmp_path):
    for i in range(6):
        write(tmp_path / "img" / f"{i}.png", small(i))
    (tmp_path / "train.lst").write_text("".join(f"{7 * i}\t{i % 2}\timg/{i}.png\n" for i in range(4)))
    (tmp_path / "val.lst").write_text("".join(f"{7 * i}\t{i % 2}.000000\timg/{i}.png\n" for i in (4, 5)))
    data = load_data(tmp_path)
    assert class_by_name(data, "train") == {f"img/{i}.png": str(i % 2) for i in range(4)}
    assert class_by_name(data, "val") == {"img/4.png": "0", "img/5.png": "1"}


def pets(root, names, **lists):
    """Write images and lists as Oxford-IIIT Pet has them: name, number of the class, species, number in the species."""
    build(root, *(f"images/{name}.jpg" for name in names), *(f"annotations/trimaps/{name}.png" for name in names))
    numbers = {name: i for i, name in enumerate(dict.fromkeys(n.rpartition("_")[0] for n in names), start=1)}
    for name, listed in lists.items():
        lines = [f"{each} {numbers[each.rpartition('_')[0]]} 1 1\n" for each in listed]
        write(root / f"annotations/{name}.txt", ("#Image CLASS-ID SPECIES BREED ID\n" + "".join(lines)).encode())
    write(root / "annotations/xmls/Abyssinian_1.xml", b"<annotation/>")
    return root


def test_oxford_pets_as_downloaded(tmp_path, caplog):
    names = [f"{breed}_{i}" for breed in ("Abyssinian", "great_pyrenees") for i in range(6)]
    root = pets(tmp_path, names, list=names[:-1], trainval=names[::2], test=[*names[1:-2:2], "Abyssinian_99"])
    found = splits(root)
    assert found["test"] == {"Abyssinian": {f"images/{n}.jpg" for n in names[1:6:2]},
                             "great_pyrenees": {f"images/{n}.jpg" for n in names[7:-2:2]}}  # fmt: skip
    assert load_data(root).origin.splits.startswith("lists annotations/test.txt, annotations/trainval.txt")
    assert "images in no list, not used: 1 (" in caplog.text and "that name no image that is there: 1" in caplog.text


def test_oxford_pets_with_the_list_of_all_images_only(tmp_path):
    names = [f"{breed}_{i}" for breed in ("Abyssinian", "beagle") for i in range(6)]
    data = load_data(pets(tmp_path, names, list=names))
    assert data.class_names == ["Abyssinian", "beagle"] and data.divided and len(data.split("all")) == 12


def test_an_image_in_both_lists_is_not_trained_on(tmp_path, caplog):
    names = [f"{breed}_{i}" for breed in ("Abyssinian", "beagle") for i in range(6)]
    data = load_data(pets(tmp_path, names, trainval=names[:9], test=[*names[2:5], *names[8:]]))
    assert len(data.splits["test"]) == 7 and "images named by more than one of" in caplog.text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("cat_to_name.json", '{"1": "pink primrose", "2": "hard-leaved orchid", "3": "moon orchid"}', "pink primrose"),
        ("class_to_idx.json", '{"primrose": 1, "orchid": 2}', "primrose, orchid"),
        ("names/classes.txt", "none\nprimrose\norchid\n", "none, primrose, orchid"),
        ("sizes.json", '{"1": 2, "2": 3}', ""),
        ("other.json", '{"1": "one", "7": "seven"}', ""),
        ("classes.txt", "a\nb\nc\nd\ne\nf\n", ""),
    ],
)
def test_names_of_classes_that_are_numbers_are_mentioned(name, content, said, tmp_path, caplog):
    root = build(tmp_path, "train/1/*.png", "train/2/*.png", "test/1/*.png", "test/2/*.png")
    write(root / name, content.encode())
    assert load_data(root).class_names == ["1", "2"]
    assert (f"{name.rpartition('/')[2]} seems to have their names ({said}" in caplog.text) == bool(said)


def test_published_sets_with_labels_of_matlab_say_how_they_are_read(tmp_path):
    """As in Oxford Flowers and Stanford Cars; what is said for the second one is done."""
    io = pytest.importorskip("scipy.io")
    flowers = build(tmp_path / "102flowers", "jpg/image_0000*.jpg", "imagelabels.mat", "setid.mat")
    with pytest.raises(DataError, match=r"in imagelabels.mat: call this folder flowers-102, and give flowers102 as"):
        load_data(flowers)
    cars = build(tmp_path / "stanford_cars", "cars_train/*.jpg", "cars_test/*.jpg")
    rows = [{"fname": f"{i}.jpg", "class": 1 + i % 2} for i in range(3)]
    annotations = np.array([tuple(row.values()) for row in rows], dtype=[("fname", object), ("class", int)])
    (cars / "devkit").mkdir()
    io.savemat(cars / "devkit/cars_meta.mat", {"class_names": np.array(["Audi", "BMW"], dtype=object)})
    for name in ("devkit/cars_train_annos.mat", "cars_test_annos_withlabels.mat"):
        io.savemat(cars / name, {"annotations": annotations})
    with pytest.raises(DataError, match="give stanford-cars as DATA and the folder around it as --data-dir"):
        load_data(cars)
    data = load_data("stanford-cars", tmp_path)
    assert data.class_names == ["Audi", "BMW"] and len(data.splits["test"]) == 3


def test_a_table_that_only_numbers_the_folders_leaves_them_their_names(tmp_path, caplog):
    root = build(tmp_path, "cat/*.png", "dog/*.png")
    table(
        root, "index.csv", "path,class_id", *(f"{c}/{i}.png,{k}" for k, c in enumerate(("cat", "dog")) for i in "012")
    )
    assert load_data(root).class_names == ["cat", "dog"]
    assert "index.csv calls the classes otherwise (0 for cat): the folder names are used" in caplog.text
    assert load_data(root, label_column="class_id").class_names == ["0", "1"]


def test_names_that_may_lie_in_any_of_the_folders_do_not_make_these_the_classes(tmp_path):
    root = build(tmp_path, "left/*.png", "right/*.png")
    table(
        root, "pairs.csv", "id,left_image,right_image,label", *(f"{i},{i}.png,{i}.png,{'ab'[i % 2]}" for i in range(3))
    )
    with pytest.raises(DataError, match=r"may be left/0 or right/0.*--folders classes"):
        load_data(root)
    assert load_data(root, folders="classes").class_names == ["left", "right"]


def test_names_of_images_that_lie_in_the_folder_of_their_label(tmp_path):
    root = build(tmp_path, "cat/*.png", "dog/*.png")
    table(root, "labels.csv", "image,label", *(f"{i}.png,{c}" for c in ("cat", "dog") for i in range(3)))
    assert load_data(root).class_names == ["cat", "dog"]


def test_a_second_column_of_images_and_images_in_no_row_are_told(tmp_path, caplog):
    """As in ODIR, whose table has the left and the right eye of a patient."""
    root = build(tmp_path, *(f"fundus/{i}_{eye}.png" for i in range(6) for eye in ("left", "right")))
    table(root, "t.csv", "ID,Left,Right,label", *(f"{i},{i}_left.png,{i}_right.png,{'ab'[i % 2]}" for i in range(6)))
    assert len(load_data(root).split("all")) == 6
    assert "the cells of column Right name other images, which are not used" in caplog.text
    assert "6 images of fundus are in no table of labels" in caplog.text


@pytest.mark.parametrize("form", ["{}", {"cat": True, "dog": False}])
def test_labels_of_the_vgg_annotator_are_those_of_the_file(form, tmp_path):
    names = [f"{i}.png" for i in range(6)]
    root = build(tmp_path, *(f"images/{name}" for name in names))
    found = {}
    for i, name in enumerate(names):
        label = "cat" if i % 2 else "dog"
        said = label if isinstance(form, str) else {each: each == label for each in form}
        found[f"{name}99"] = {"filename": name, "size": 99, "regions": [], "file_attributes": {"animal": said}}
    (root / "via.json").write_text(json.dumps({"_via_settings": {}, "_via_img_metadata": found}))
    assert load_data(root).class_names == ["cat", "dog"]
