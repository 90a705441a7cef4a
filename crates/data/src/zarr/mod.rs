//! Zarr v2 and v3: arrays cut into chunks, each a compressed file, in a folder or a zip.
//!
//! Only what is asked for is read: the chunks that some rows lie in. Codecs: none, Blosc, Zstd, Gzip, Zlib, LZ4, CRC-32C; row
//! by row (`C`) order; no filters, no shards.

mod array;
mod codec;
mod meta;
mod write;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use worldsmith_core::{Error, Result};

use crate::zipped::Zipped;

pub(crate) use array::Array;
pub(crate) use write::{ArrayWriter, write_group};

/// A version of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V2,
    V3,
}

/// The files of a Zarr hierarchy.
pub(crate) struct Store {
    path: PathBuf,
    /// Which version its root is of.
    pub version: Version,
    zip: Option<(Zipped, String)>,
}

impl Store {
    /// Opens the hierarchy at `path`, a folder or a zip of one.
    ///
    /// # Errors
    /// If there is none.
    pub fn open(path: &Path) -> Result<Self> {
        let zip = match path.is_file() {
            true => {
                let zip = Zipped::open(path)?;
                let root = zip.names().filter(|name| is_root(name)).min_by_key(String::len);
                let folder = root.as_deref().and_then(|name| name.rsplit_once('/'));
                let folder = folder.map_or(String::new(), |(folder, _)| format!("{folder}/"));
                Some((zip, folder))
            }
            false => None,
        };
        let mut store = Self { path: path.to_path_buf(), version: Version::V2, zip };
        if store.has("zarr.json") {
            store.version = Version::V3;
        } else if !store.has(".zgroup") {
            return Err(Error::corrupt(
                path,
                "expected a Zarr group, found neither `.zgroup` nor `zarr.json`",
            ));
        }
        Ok(store)
    }

    /// Where it is, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is a file `key`.
    pub fn has(&self, key: &str) -> bool {
        match &self.zip {
            Some((zip, folder)) => zip.has(&format!("{folder}{key}")),
            None => self.path.join(key).is_file(),
        }
    }

    /// The file `key`, if there is one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(&mut self, key: &str) -> Result<Option<Vec<u8>>> {
        if let Some((zip, folder)) = &mut self.zip {
            let name = format!("{folder}{key}");
            return match zip.has(&name) {
                true => zip.read(&name).map(Some),
                false => zip.check_names().map(|()| None),
            };
        }
        let path = self.path.join(key);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(err) => Err(Error::io("read file", &path, &err)),
        }
    }

    /// The JSON file `key`, if there is one.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn json(&mut self, key: &str) -> Result<Option<Json>> {
        let path = self.path.join(key);
        let Some(bytes) = self.read(key)? else { return Ok(None) };
        let parsed = serde_json::from_slice(&bytes);
        parsed.map(Some).map_err(|err| Error::corrupt(&path, format!("expected JSON: {err}")))
    }

    /// Where the attributes of the root are, for messages.
    pub fn attributes_path(&self) -> PathBuf {
        self.path.join(match self.version {
            Version::V2 => ".zattrs",
            Version::V3 => "zarr.json",
        })
    }

    /// What the root says beside the arrays.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn attributes(&mut self) -> Result<Json> {
        let found = match self.version {
            Version::V2 => self.json(".zattrs")?,
            Version::V3 => {
                self.json("zarr.json")?.and_then(|mut json| json.get_mut("attributes").map(Json::take))
            }
        };
        Ok(found.unwrap_or(Json::Null))
    }

    /// Names of the arrays in the group `group`.
    ///
    /// # Errors
    /// If the folder cannot be listed.
    pub fn arrays(&mut self, group: &str) -> Result<Vec<String>> {
        let names: BTreeSet<String> = match &self.zip {
            Some((zip, folder)) => {
                let start = format!("{folder}{group}/");
                zip.names()
                    .filter_map(|name| Some(name.strip_prefix(&start)?.split_once('/')?.0.to_owned()))
                    .collect()
            }
            None => {
                let paths = crate::natural::list(&self.path.join(group))?;
                let names = paths.iter().filter_map(|path| path.file_name()?.to_str());
                names.map(str::to_owned).collect()
            }
        };
        let meta = match self.version {
            Version::V2 => ".zarray",
            Version::V3 => "zarr.json",
        };
        Ok(names.into_iter().filter(|name| self.has(&format!("{group}/{name}/{meta}"))).collect())
    }
}

fn is_root(name: &str) -> bool {
    matches!(name.rsplit('/').next(), Some(".zgroup" | "zarr.json"))
}
