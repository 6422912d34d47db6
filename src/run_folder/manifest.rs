//! `manifest`: which run or sweep a folder holds, and every file that klfit wrote there.
//!
//! The first line says what the folder holds, with a random number of its own, a digest of all that
//! determines what comes out, and, of a point, the number of its sweep. Each of the others is the name
//! of a file, or of the folder of a point. Nothing else is ever removed.
//!
//! A folder holds a run for as long as it has a manifest. To clear it, the manifest is renamed, then what it
//! lists is deleted, then itself: who is cut off before the first leaves the run as it was, and after
//! that none, with what is left of it listed for whoever comes next.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::Write;

use super::lock::{self, Lock};
use crate::error::{Error, Result};
use crate::files::folder::{Folder, is_passing};
use crate::files::unique::unique;
use crate::files::{names, read};

const FORMAT: u32 = 1;
/// The first word.
const MARK: &str = "klfit";
/// The largest one, in bytes.
const LARGEST: u64 = 16 << 20;
/// What stands for a number that there is not.
const NONE: &str = "-";

/// What a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    Run,
    Sweep,
}

impl Held {
    fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Sweep => "sweep",
        }
    }
}

/// What a folder says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manifest {
    pub held: Held,
    /// Its random number, in 32 digits.
    pub id: String,
    /// The digest of what determines its numbers.
    pub digest: String,
    /// The number of the sweep that it is a point of.
    pub sweep: Option<String>,
    /// The files, and folders of points.
    pub listed: Vec<String>,
}

impl Manifest {
    /// Of something new.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn new(held: Held, digest: String, sweep: Option<String>) -> Result<Self> {
        Ok(Self {
            held,
            id: unique()?,
            digest,
            sweep,
            listed: Vec::new(),
        })
    }

    /// That of a folder; none if it has none.
    ///
    /// # Errors
    /// If it cannot be read, or is none.
    pub fn read(folder: &Folder) -> Result<Option<Self>> {
        let path = folder.path_of(names::MANIFEST);
        let Some(bytes) = folder.read(names::MANIFEST, LARGEST)? else {
            return Ok(None);
        };
        let manifest = Self::parse(&read::text(bytes, &path)?);
        (manifest.map(Some)).ok_or_else(|| Error::run_folder(&path, "it is no manifest"))
    }

    fn parse(text: &str) -> Option<Self> {
        // A last line that was cut off is of a file that was not made yet.
        let (whole, _) = text.rsplit_once('\n')?;
        let mut lines = whole.lines();
        let words: Vec<&str> = lines.next()?.split(' ').collect();
        let [MARK, held, format, id, digest, sweep] = words[..] else {
            return None;
        };
        let held = [Held::Run, Held::Sweep]
            .into_iter()
            .find(|one| one.name() == held)?;
        (format == FORMAT.to_string()).then(|| Self {
            held,
            id: id.to_owned(),
            digest: digest.to_owned(),
            sweep: (sweep != NONE).then(|| sweep.to_owned()),
            listed: lines
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }

    /// Whether klfit wrote, or will write, a file of this name there.
    pub fn lists(&self, name: &str) -> bool {
        self.listed.iter().any(|listed| listed == name)
    }

    /// Writes it: from then on the folder holds what it says.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, folder: &Folder) -> Result<()> {
        let sweep = self.sweep.as_deref().unwrap_or(NONE);
        let mut text = format!(
            "{MARK} {} {FORMAT} {} {} {sweep}\n",
            self.held.name(),
            self.id,
            self.digest
        );
        for name in &self.listed {
            text += name;
            text.push('\n');
        }
        folder.write(names::MANIFEST, text.as_bytes())
    }

    /// Removes everything that the manifest of a folder lists, and it.
    ///
    /// # Errors
    /// If something cannot be removed, or another process is at a point of a sweep.
    pub fn clear(self, folder: &Folder) -> Result<()> {
        let points = self.points(folder)?;
        let renamed = folder.discard(names::MANIFEST)?;
        self.remove_listed(folder, points)?;
        folder.remove(&renamed)
    }

    /// Deletes what others, who were cut off, left half written or half deleted. Says whether there was
    /// something of a run or a sweep among it.
    ///
    /// # Errors
    /// If something cannot be removed.
    pub fn clear_remains(folder: &Folder) -> Result<bool> {
        let mut was_held = false;
        for name in folder.passing()? {
            if let Some(manifest) = Self::renamed(folder, &name) {
                let points = manifest.points(folder)?;
                manifest.remove_listed(folder, points)?;
                was_held = true;
                folder.remove(&name)?;
            } else {
                folder.remove_unfinished(&name)?;
            }
        }
        Ok(was_held)
    }

    /// Deletes what others, who were cut off, left half written beside what the folder holds; what is left of
    /// something that was being cleared stays listed.
    ///
    /// # Errors
    /// If something cannot be removed.
    pub fn clear_unfinished(folder: &Folder) -> Result<()> {
        folder.clear_unfinished(|name| Self::renamed(folder, name).is_some())
    }

    /// Whether a folder holds what is left of something that was being cleared.
    pub fn has_remains(folder: &Folder) -> bool {
        let passing = folder.passing().unwrap_or_default();
        passing
            .iter()
            .any(|name| Self::renamed(folder, name).is_some())
    }

    /// A manifest under the name that it was given to be cleared.
    fn renamed(folder: &Folder, name: &OsStr) -> Option<Self> {
        let bytes = folder.read(name, LARGEST).ok()??;
        Self::parse(std::str::from_utf8(&bytes).ok()?)
    }

    /// The points of a sweep that are its own, not copies or links, each locked.
    fn points(&self, folder: &Folder) -> Result<Vec<Point>> {
        let mut points = Vec::new();
        for label in self.listed.iter().filter(|_| self.held == Held::Sweep) {
            let Some(inner) = folder.inner(label)? else {
                continue;
            };
            if self.has_point(&inner)? {
                let lock = Lock::take(&inner)?;
                points.push(Point {
                    label: label.clone(),
                    folder: inner,
                    lock,
                });
            }
        }
        Ok(points)
    }

    /// Whether a folder is that of a point of this sweep: whole, half cleared, or with nothing left in it.
    fn has_point(&self, folder: &Folder) -> Result<bool> {
        let is_own = |point: &Self| point.sweep.as_ref() == Some(&self.id);
        if let Some(point) = Self::read(folder)? {
            return Ok(is_own(&point));
        }
        let names = folder.names()?;
        let mut half_cleared = (names.iter())
            .filter(|name| is_passing(name))
            .filter_map(|name| Self::renamed(folder, name));
        Ok(half_cleared.any(|point| is_own(&point)) || names.iter().all(|name| is_nothing(name)))
    }

    fn remove_listed(&self, folder: &Folder, points: Vec<Point>) -> Result<()> {
        for point in points {
            Self::clear_remains(&point.folder)?;
            if let Some(manifest) = Self::read(&point.folder)? {
                manifest.clear(&point.folder)?;
            }
            point.folder.remove(lock::FILE)?;
            drop(point.lock);
            folder.remove_inner(point.label);
        }
        let mut inner_names: Vec<&str> = Vec::new();
        for name in &self.listed {
            match name.split_once('/') {
                None if folder.holds(name) => folder.remove(name)?,
                None => {}
                Some((inner_name, name)) => {
                    let Some(inner) = folder.inner(inner_name)? else {
                        continue;
                    };
                    inner.remove(name)?;
                    if !inner_names.contains(&inner_name) {
                        inner_names.push(inner_name);
                    }
                }
            }
        }
        for name in inner_names {
            if let Some(inner) = folder.inner(name)? {
                inner.clear_unfinished(|_| false)?;
            }
            folder.remove_inner(name);
        }
        Ok(())
    }
}

/// A point of a sweep that is about to be cleared.
struct Point {
    label: String,
    folder: Folder,
    lock: Lock,
}

/// Whether a file means nothing: a lock, or what others have not finished.
pub(super) fn is_nothing(name: &OsStr) -> bool {
    *name == *lock::FILE || is_passing(name)
}

/// Lists more files, before they are made. A folder without a manifest keeps no list.
///
/// # Errors
/// If the manifest cannot be written.
pub(super) fn list(folder: &Folder, more: &[String]) -> Result<()> {
    let Some(manifest) = Manifest::read(folder)? else {
        return Ok(());
    };
    let listed: HashSet<&str> = manifest.listed.iter().map(String::as_str).collect();
    let new: Vec<&str> = (more.iter().map(String::as_str))
        .filter(|name| !listed.contains(name))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    let path = folder.path_of(names::MANIFEST);
    // It begins a line of its own also after one that was cut off.
    let text = format!("\n{}\n", new.join("\n"));
    let Some(mut file) = folder.appender(names::MANIFEST)? else {
        return Ok(());
    };
    (file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_data()))
    .map_err(Error::io("write", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_comes_back_whatever_it_was_cut_to() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(temporary.path()).unwrap();
        assert_eq!(Manifest::read(&folder).unwrap(), None);
        let mut manifest = Manifest::new(Held::Run, "0a1b".to_owned(), None).unwrap();
        assert_ne!(
            manifest.id,
            Manifest::new(Held::Run, String::new(), None).unwrap().id
        );
        manifest.listed = vec!["config.toml".to_owned(), "a fit/trajectory.csv".to_owned()];
        manifest.write(&folder).unwrap();
        assert_eq!(Manifest::read(&folder).unwrap().as_ref(), Some(&manifest));
        // Cut off while a name was added.
        let mut text = folder.read(names::MANIFEST, LARGEST).unwrap().unwrap();
        text.extend(b"\nfigures/dens");
        folder.write(names::MANIFEST, &text).unwrap();
        list(
            &folder,
            &["config.toml".to_owned(), "summary.json".to_owned()],
        )
        .unwrap();
        let read = Manifest::read(&folder).unwrap().unwrap();
        assert_eq!(read.listed[..2], manifest.listed);
        assert_eq!(read.listed.last().unwrap(), "summary.json");
        assert_eq!(
            read.listed
                .iter()
                .filter(|name| *name == "config.toml")
                .count(),
            1
        );
        for wrong in [
            "",
            "klfit run 1 a b",
            "klfit run 2 a b -\n",
            "klfit fit 1 a b -\n",
            "\n",
        ] {
            folder.write(names::MANIFEST, wrong.as_bytes()).unwrap();
            assert!(Manifest::read(&folder).is_err(), "{wrong}");
        }
    }
}
