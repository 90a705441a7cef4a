//! The checkout as text: every source file once, with its code stripped of comments and strings.

use std::path::Path;

use crate::{Result, source};

/// Endings of the files that are read.
const ENDINGS: &[&str] = &["rs", "toml", "md", "py", "js", "mjs", "html", "css", "json", "yml", "sh"];

/// Folders that hold nothing a person wrote.
const SKIPPED: &[&str] = &["target", "runs", "node_modules", "__pycache__"];

/// Files without an ending that are read all the same.
const NAMED: &[&str] = &[".ci/run"];

/// One file.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Path from the root, with `/` between the parts.
    pub path: String,
    /// The file as it is.
    pub text: String,
    /// For Rust files: the text with comments and the insides of strings blanked out, line for line.
    pub code: String,
}

impl SourceFile {
    /// A file at `path` holding `text`.
    pub fn new(path: &str, text: &str) -> Self {
        let code = if path.ends_with(".rs") { source::code_only(text) } else { String::new() };
        Self { path: path.to_string(), text: text.to_string(), code }
    }

    /// Whether this is Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The folder under `crates/` this file is in.
    pub fn krate(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// The recipe this file belongs to: a folder with code under the recipes' source.
    pub fn recipe(&self) -> Option<&str> {
        let (recipe, _) = self.path.strip_prefix("crates/recipes/src/")?.split_once('/')?;
        Some(recipe)
    }

    /// Number of lines.
    pub fn n_lines(&self) -> usize {
        self.text.lines().count()
    }

    /// The code lines that ship, numbered from 1: everything above the tests, which stand last in a file. Empty for
    /// tests, benches and examples.
    pub fn shipped_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = ["/tests/", "/benches/", "/examples/"].iter().any(|dir| self.path.contains(dir));
        let code = if is_test || self.path.ends_with("/tests.rs") { "" } else { self.code.as_str() };
        let above_tests = code.lines().take_while(|line| !line.trim_start().starts_with("#[cfg(test)]"));
        above_tests.enumerate().map(|(i, line)| (i + 1, line))
    }
}

/// Every file of the checkout.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Those with text that is read, in path order.
    pub files: Vec<SourceFile>,
    /// Paths of all, pictures and the like included.
    pub paths: Vec<String>,
}

impl Tree {
    /// A tree of given files: path and text.
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self {
            files: files.iter().map(|(path, text)| SourceFile::new(path, text)).collect(),
            paths: files.iter().map(|(path, _)| path.to_string()).collect(),
        }
    }

    /// Whether `path` is a file or a folder here.
    pub fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.paths.iter().any(|p| p == path || p.starts_with(&folder))
    }

    /// Reads the checkout at `root`.
    ///
    /// # Errors
    /// If a file or folder cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.read_folder(root, "")?;
        for name in NAMED {
            if root.join(name).exists() {
                tree.read_file(root, name)?;
                tree.paths.push(name.to_string());
            }
        }
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    /// The Rust files.
    pub fn rust(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|f| f.is_rust())
    }

    fn read_folder(&mut self, root: &Path, folder: &str) -> Result<()> {
        let at = root.join(folder);
        let entries = std::fs::read_dir(&at).map_err(|e| format!("cannot list {}: {e}", at.display()))?;
        for entry in entries {
            let entry = entry.map_err(|e| format!("cannot list {}: {e}", at.display()))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if entry.path().is_dir() {
                if !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                    self.read_folder(root, &path)?;
                }
                continue;
            }
            if name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending)) {
                self.read_file(root, &path)?;
            }
            self.paths.push(path);
        }
        Ok(())
    }

    fn read_file(&mut self, root: &Path, path: &str) -> Result<()> {
        let text =
            std::fs::read_to_string(root.join(path)).map_err(|e| format!("cannot read {path}: {e}"))?;
        self.files.push(SourceFile::new(path, &text));
        Ok(())
    }
}
