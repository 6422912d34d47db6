//! Files that are not finished, or about to be deleted: made under names of their own, and removed by whoever
//! comes next.

use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::Path;

use cap_std::fs::OpenOptions;

use super::Folder;
use crate::error::Result;
use crate::files::unique::unique;

/// How the names of files begin that are not finished, or about to be deleted. They mean nothing to anyone,
/// and whoever writes into the folder next removes them.
const PASSING: &str = ".klfit-";
impl Folder {
    /// Gives a file a name that says that it is about to be deleted: at once, or by whoever comes next.
    ///
    /// # Errors
    /// If the file cannot be renamed.
    pub fn discard(&self, name: &str) -> Result<OsString> {
        let passing = passing()?;
        self.put(name.as_ref(), &passing)?;
        Ok(passing)
    }

    /// What another process has not finished, or not deleted.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn passing(&self) -> Result<Vec<OsString>> {
        let mut names = self.names()?;
        names.retain(|name| is_passing(name));
        Ok(names)
    }

    /// Removes files that others were cut off from finishing, but those that `is_kept` names; what someone
    /// still writes stays.
    ///
    /// # Errors
    /// If the folder cannot be read, or a file not removed.
    pub fn clear_unfinished(&self, is_kept: impl Fn(&OsStr) -> bool) -> Result<()> {
        (self.passing()?.iter())
            .filter(|name| !is_kept(name))
            .try_for_each(|name| self.remove_unfinished(name))
    }

    /// Removes a file that someone was cut off from finishing, or a link in its place. One that is still
    /// written stays, and so does what may be: what cannot be opened or locked.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove_unfinished(&self, name: &OsStr) -> Result<()> {
        if self.is(name, |info| info.is_symlink()) {
            return self.remove(name);
        }
        // Whoever writes it has it locked; and nobody takes it while it is locked here.
        match self.writer(name) {
            Ok(Some(file)) if file.try_lock().is_ok() => self.remove(name),
            _ => Ok(()),
        }
    }

    pub(super) fn unfinished(&self, name: &OsStr, bytes: &[u8]) -> Result<Unfinished> {
        let path = self.path_of(name);
        let mut unfinished = self.begin_unfinished(&path)?;
        let file = &mut unfinished.file;
        if let Err(error) = file.write_all(bytes).and_then(|()| file.sync_all()) {
            // What is left of it helps nobody, on a full disk least of all.
            _ = self.dir.remove_file(&unfinished.name);
            return Err(self.lost("write", &path)(error));
        }
        Ok(unfinished)
    }

    fn begin_unfinished(&self, path: &Path) -> Result<Unfinished> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        loop {
            let name = passing()?;
            let file = (self.dir.open_with(&name, &options)).map_err(self.lost("write", path))?;
            let file = file.into_std();
            // Before it was locked, another process may have taken it for one that nobody writes any more. Where
            // a file cannot be locked, nobody takes it.
            let is_taken = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
            if !is_taken && self.has(&name) {
                return Ok(Unfinished { name, file });
            }
        }
    }
}

/// A file that is about to get its name: locked, so that nobody takes it for one that was cut off.
pub(super) struct Unfinished {
    pub name: OsString,
    file: File,
}

/// Whether a file is not finished, or about to be deleted.
pub(crate) fn is_passing(name: &OsStr) -> bool {
    let number = name.as_encoded_bytes().strip_prefix(PASSING.as_bytes());
    number.is_some_and(|number| number.len() == 32 && number.iter().all(u8::is_ascii_hexdigit))
}

/// A name that no file has.
fn passing() -> Result<OsString> {
    Ok(format!("{PASSING}{}", unique()?).into())
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_was_cut_off_is_cleared_and_what_is_being_written_is_not() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(temporary.path()).unwrap();
        let writing = folder.begin_unfinished(folder.path()).unwrap();
        let [cut_off, kept, link, inner] = [1, 2, 3, 4].map(|i| format!("{PASSING}{i:032x}"));
        // What only looks so is someone else's.
        let [theirs, longer] = [format!("{PASSING}notes"), format!("{cut_off}0")];
        for name in [&cut_off, &kept, &theirs, &longer] {
            fs::write(folder.path_of(name), "half").unwrap();
        }
        symlink("nowhere", folder.path_of(&link)).unwrap();
        fs::create_dir(folder.path_of(&inner)).unwrap();
        let clear = || folder.clear_unfinished(|name| *name == *kept).unwrap();
        let left = || -> Vec<OsString> {
            let mut left = folder.names().unwrap();
            left.sort();
            left
        };
        let mut expected: Vec<OsString> = vec![writing.name.clone()];
        expected.extend([&kept, &inner, &theirs, &longer].map(OsString::from));
        expected.sort();
        clear();
        assert_eq!(left(), expected);
        expected.retain(|name| *name != writing.name);
        drop(writing);
        clear();
        assert_eq!(left(), expected);
    }
}
