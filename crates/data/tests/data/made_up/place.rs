//! A file of a set that inputs take the place of, or an array in one of its `.npz` files.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

const INDEX: &str = "index.jsonl";
const SHARD: &str = "shards/000000.arrow";

/// One file of one set.
pub(crate) struct Place {
    /// The set, and the format it is read as.
    pub set: PathBuf,
    pub format: &'static str,
    file: PathBuf,
    /// The file as it was.
    bytes: Vec<u8>,
    /// The array in it that inputs replace, if not all of it.
    member: Option<String>,
}

/// Every place in `set`, which is one file or a folder.
pub(crate) fn all(set: &Path, format: &'static str) -> Vec<Place> {
    let mut places = Vec::new();
    for file in files(set) {
        let bytes = fs::read(&file).expect("a set that was made can be read");
        let at =
            |member| Place { set: set.to_owned(), format, file: file.clone(), bytes: bytes.clone(), member };
        places.push(at(None));
        if file.extension().is_some_and(|ending| ending == "npz") {
            places.extend(arrays(&bytes).into_iter().map(|(name, _)| at(Some(name))));
        }
    }
    places
}

impl Place {
    /// What an input would hold that changes nothing.
    pub fn whole(&self) -> Vec<u8> {
        match &self.member {
            None => self.bytes.clone(),
            Some(name) => {
                arrays(&self.bytes)
                    .into_iter()
                    .find(|(found, _)| found == name)
                    .expect("it was found before")
                    .1
            }
        }
    }

    /// Puts `bytes` there.
    pub fn put(&self, bytes: &[u8]) {
        match &self.member {
            None => write(&self.file, bytes),
            Some(name) => write(&self.file, &with_array(&self.bytes, name, bytes)),
        }
        self.seal();
    }

    /// Puts back what was there.
    pub fn restore(&self) {
        write(&self.file, &self.bytes);
        self.seal();
    }

    /// Makes the checksums of an episode store right again.
    fn seal(&self) {
        let (index, shard) = (self.set.join(INDEX), self.set.join(SHARD));
        if self.format == "worldsmith" && (self.file == index || self.file == shard) {
            let text = fs::read(&index).unwrap_or_default();
            let shard = fs::read(shard).unwrap_or_default();
            write(&index, &sealed(&text, &shard));
        }
    }
}

/// Writes a new file: what was mapped from the old one stays as it was.
fn write(path: &Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).expect("the scratch folder can be written");
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).expect("a set that was made can be listed");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    paths.sort();
    paths.iter().flat_map(|path| files(path)).filter(|path| !path.ends_with("writer.lock")).collect()
}

/// Names and contents of the files in a zip.
fn arrays(zip: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(std::io::Cursor::new(zip)).expect("fixtures are whole");
    let mut read = |idx| {
        let mut file = archive.by_index(idx).expect("fixtures are whole");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("fixtures are whole");
        (file.name().expect("fixtures have names of text").into_owned(), bytes)
    };
    (0..zip_len(zip)).map(&mut read).collect()
}

fn zip_len(zip: &[u8]) -> usize {
    ZipArchive::new(std::io::Cursor::new(zip)).expect("fixtures are whole").len()
}

/// The zip with `bytes` as its file `name`.
fn with_array(zip: &[u8], name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (found, whole) in arrays(zip) {
        writer.start_file(found.as_str(), stored).expect("memory can be written");
        writer.write_all(if found == name { bytes } else { &whole }).expect("memory can be written");
    }
    writer.finish().expect("memory can be written").into_inner()
}

/// The index with every line's checksum right, and in it that of the bytes of the shard it names.
pub fn sealed(index: &[u8], shard: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    for line in index.split_inclusive(|byte| *byte == b'\n') {
        let body = line.strip_suffix(b"\n").unwrap_or(line);
        let mut json = match serde_json::from_slice(body) {
            Ok(Json::Object(entry)) => with_sum(entry, shard),
            _ => body.to_vec(),
        };
        let sum = worldsmith_data::crc32(&json);
        json.pop();
        lines.extend(json);
        lines.extend(format!("{}{sum:08x}\"}}", r#","sum":""#).bytes());
        lines.extend(line.strip_prefix(body).unwrap_or_default());
    }
    lines
}

fn with_sum(mut entry: serde_json::Map<String, Json>, shard: &[u8]) -> Vec<u8> {
    entry.remove("sum");
    let number = |key: &str| usize::try_from(entry.get(key)?.as_u64()?).ok();
    let range = number("at").zip(number("bytes")).and_then(|(at, n)| shard.get(at..at.checked_add(n)?));
    if let Some(bytes) = range {
        entry.insert("crc32".to_owned(), worldsmith_data::crc32(bytes).into());
    }
    // A line begins with the number of its episode.
    let episode = entry.remove("episode");
    let rest = Json::Object(entry).to_string();
    match episode {
        Some(episode) if rest.len() > 2 => format!("{{\"episode\":{episode},{}", &rest[1..]).into_bytes(),
        _ => rest.into_bytes(),
    }
}
