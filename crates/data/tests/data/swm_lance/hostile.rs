//! Lance tables that claim what they do not hold, of some hundred bytes each, written message by message.

use std::fs;
use std::path::{Path, PathBuf};

use worldsmith_core::{ErrorKind, Result};
use worldsmith_data::formats::{self, ReadOptions, Source};

/// A number of a message, seven bits a byte.
fn varint(mut n: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while n > 127 {
        bytes.push(n as u8 | 128);
        n >>= 7;
    }
    bytes.push(n as u8);
    bytes
}

/// Field `tag` of a message: a number.
fn number(tag: u64, n: u64) -> Vec<u8> {
    [varint(tag << 3), varint(n)].concat()
}

/// Field `tag` of a message: bytes, a text, or another message.
fn field(tag: u64, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [&varint(tag << 3 | 2), &varint(bytes.len() as u64), bytes].concat()
}

/// A page with the same value in each of `n` rows.
fn constant(value: &[u8], n: u64) -> Vec<u8> {
    page(&field(2, [field(5, [1]), field(6, value)].concat()), n, &[])
}

/// A page of one blob in each of `n` rows, which lies at the start of the file.
fn constant_blob(len: u64, n: u64) -> Vec<u8> {
    page(&field(2, field(5, [1])), n, &[len])
}

/// A page with buffers of these sizes, each from the start of the file on.
fn page(layout: &[u8], n: u64, sizes: &[u64]) -> Vec<u8> {
    let typed = [field(1, "/lance.encodings21.PageLayout"), field(2, layout)].concat();
    let offsets = vec![0; sizes.len()];
    let sizes: Vec<u8> = sizes.iter().flat_map(|size| varint(*size)).collect();
    let encoding = field(2, field(1, typed));
    field(2, [field(1, offsets), field(2, sizes), number(3, n), field(4, encoding)].concat())
}

/// A table of columns by name and type, each of one page, in one fragment that claims `n_rows`; `head` starts the file.
fn table(dir: &Path, columns: &[(&str, &str)], pages: &[Vec<u8>], (head, n_rows): (&[u8], u64)) -> PathBuf {
    let path = dir.join("hostile.lance");
    fs::create_dir_all(path.join("_versions")).unwrap();
    fs::create_dir_all(path.join("data")).unwrap();
    let ids: Vec<u8> = (0..columns.len() as u8).collect();
    let mut manifest = Vec::new();
    for (id, (name, kind)) in ids.iter().zip(columns) {
        let (id, parent) = (number(3, u64::from(*id)), number(4, -1_i64 as u64));
        manifest.extend(field(1, [field(2, name), id, parent, field(5, kind)].concat()));
    }
    if !pages.is_empty() {
        let entry = [field(1, "0.lance"), field(2, &ids), field(3, &ids)].concat();
        manifest.extend(field(2, [field(2, entry), number(4, n_rows)].concat()));
        fs::write(path.join("data/0.lance"), file(head, pages)).unwrap();
    }
    let len = (manifest.len() as u32).to_le_bytes();
    let bytes = [&len[..], &manifest, &[0; 8], &[0, 0, 2, 0], b"LANC"].concat();
    fs::write(path.join("_versions/1.manifest"), bytes).unwrap();
    path
}

/// A file of `head`, the lists of pages, where each of them is, and the footer.
fn file(head: &[u8], pages: &[Vec<u8>]) -> Vec<u8> {
    let (mut bytes, mut lists) = (head.to_vec(), Vec::new());
    for page in pages {
        lists.extend([bytes.len() as u64, page.len() as u64].map(u64::to_le_bytes).concat());
        bytes.extend(page);
    }
    let at = (bytes.len() as u64).to_le_bytes();
    bytes.extend(lists);
    let n = (pages.len() as u32).to_le_bytes();
    [&bytes[..], &[0; 8], &at, &[0; 8], &[0; 4], &n, &[2, 0, 1, 0], b"LANC"].concat()
}

fn open(path: &Path) -> Result<Box<dyn Source>> {
    formats::open(path, Some("swm-lance"), &ReadOptions::default()).map(|(_, source)| source)
}

/// What is said of a damaged table, which has its place in it.
fn refusal(path: &Path) -> String {
    let err = open(path).and_then(|mut source| source.read(0)).unwrap_err();
    assert!(err.to_string().contains(path.to_str().unwrap()), "{err}");
    err.to_string()
}

const COLUMNS: [(&str, &str); 4] = [
    ("episode_idx", "int64"),
    ("step_idx", "int64"),
    ("action", "fixed_size_list:float:2"),
    ("state", "float"),
];

/// `n` rows of 0, with numbers of steps of `step` bytes.
fn zeros(n: u64, step: usize) -> Vec<Vec<u8>> {
    [8, step, 8, 4].map(|len| constant(&vec![0; len], n)).to_vec()
}

#[test]
fn a_small_honest_table_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = table(dir.path(), &COLUMNS, &zeros(3, 8), (b"", 3));
    // Rows that do not count on are episodes of their own.
    assert_eq!(open(&path).unwrap().n_episodes(), 3);
}

#[test]
fn rows_wider_than_any_observation_are_refused() {
    for item in ["float", "uint8"] {
        for width in ["4611686018427387904", "1099511627776", "268435456"] {
            let dir = tempfile::tempdir().unwrap();
            let kind = format!("fixed_size_list:{item}:{width}");
            let mut columns = COLUMNS;
            columns[2].1 = &kind;
            let said = refusal(&table(dir.path(), &columns, &[], (b"", 0)));
            assert!(said.contains("numbers in a row"), "{said}");
        }
    }
    // None of them is too wide, all together are.
    let dir = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..64).map(|i| format!("x{i}")).collect();
    let wide = names.iter().map(|name| (name.as_str(), "fixed_size_list:float:4194304"));
    let columns: Vec<_> = COLUMNS.into_iter().chain(wide).collect();
    assert!(refusal(&table(dir.path(), &columns, &[], (b"", 0))).contains("numbers in a row"));
}

#[test]
fn rows_that_a_file_only_claims_are_refused() {
    for n in [1 << 20, 1 << 32, u64::MAX] {
        let dir = tempfile::tempdir().unwrap();
        let said = refusal(&table(dir.path(), &COLUMNS, &zeros(n, 8), (b"", n)));
        assert!(said.contains("rows in files of"), "{said}");
    }
}

#[test]
fn a_value_of_another_width_is_not_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let path = table(dir.path(), &COLUMNS, &zeros(1 << 16, 1 << 20), (b"", 1 << 16));
    assert!(refusal(&path).contains("expected rows of"), "{}", refusal(&path));
}

#[test]
fn one_picture_for_many_rows_is_not_decoded_without_end() {
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, 1024, 1024);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&vec![0; 3 << 20]).unwrap();
    // How many buffers, the length of each, and those: offsets, and the picture.
    let len = png.len() as u32;
    let words = [2, 8, len, 0, len].map(u32::to_le_bytes).concat();
    let blob = [words, png].concat();
    let n = 4096;
    let mut columns = COLUMNS;
    columns[3] = ("pixels", "binary");
    let mut pages = zeros(n, 8);
    pages[3] = constant_blob(blob.len() as u64, n);
    // No column counts steps, so that all is one episode.
    columns[1].0 = "steps";
    let dir = tempfile::tempdir().unwrap();
    let path = table(dir.path(), &columns, &pages, (&blob, n));
    let mut source = open(&path).unwrap();
    assert_eq!(source.read_range(0, 0..1).unwrap().obs.len(), 2);
    let err = source.read(0).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Corrupt);
    assert!(err.to_string().contains("the same picture"), "{err}");
}
