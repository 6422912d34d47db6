//! A folder that is opened once: what is done in it stays in it, whatever links it holds.

use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use super::read::{not_regular, whole};
use super::unique::unique;
use crate::error::{Error, Result};

/// How the names of files begin that are not finished, or about to be deleted. They mean nothing to anyone,
/// and whoever writes into the folder next removes them.
const PASSING: &str = ".klfit-";
/// The end of the name of the version before.
const PREVIOUS: &str = "previous";

/// An open folder.
///
/// Files are named relative to it. No name leads through a link: neither to a file nor to a folder. A
/// file is made under a name of its own that was free, made durable, and put in the place of the one
/// before, so that whoever is cut off at any instant leaves the old one or the new one, whole.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    dir: Arc<Dir>,
    /// As messages call it.
    path: PathBuf,
}

impl Folder {
    /// Opens a folder, by way of links if it is behind some.
    ///
    /// # Errors
    /// If it is not there, is no folder, or may not be read.
    pub fn open(path: &Path) -> Result<Self> {
        let dir = Dir::open_ambient_dir(path, ambient_authority());
        Ok(Self {
            dir: Arc::new(dir.map_err(Error::io("read", path))?),
            path: path.to_owned(),
        })
    }

    /// Opens a folder, which is made with those above it where it is not there.
    ///
    /// # Errors
    /// If it can neither be made nor opened.
    pub fn create(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(Error::io("create", path))?;
        Self::open(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where something in it is.
    pub fn path_of(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// The names of what is in it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn names(&self) -> Result<Vec<OsString>> {
        let entries = self.dir.entries().map_err(Error::io("read", &self.path))?;
        (entries.map(|entry| Ok(entry?.file_name())))
            .collect::<io::Result<_>>()
            .map_err(Error::io("read", &self.path))
    }

    /// A folder in it; none if there is none of that name, or a link.
    ///
    /// # Errors
    /// If it is there and may not be read.
    pub fn inner(&self, name: impl AsRef<Path>) -> Result<Option<Self>> {
        let path = self.path_of(&name);
        if !self.is(&name, |kind| kind.is_dir()) {
            return Ok(None);
        }
        let dir = self
            .dir
            .open_dir_nofollow(&name)
            .map_err(Error::io("read", &path))?;
        Ok(Some(Self {
            dir: Arc::new(dir),
            path,
        }))
    }

    /// A folder in it, which is made where it is not there.
    ///
    /// # Errors
    /// If it can neither be made nor opened; a link is neither.
    pub fn create_inner(&self, name: impl AsRef<Path>) -> Result<Self> {
        let path = self.path_of(&name);
        match self.dir.create_dir(&name) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => made.map_err(self.lost("create", &path))?,
        }
        self.inner(&name)?.ok_or_else(|| {
            Error::usage(
                format!("{} is no folder, or a link to one", path.display()),
                "remove it, or choose another folder with --out",
            )
        })
    }

    /// Whether something has this name, a link too.
    pub fn has(&self, name: impl AsRef<Path>) -> bool {
        self.is(name, |_| true)
    }

    /// Whether it holds a file of this name, and not a link to one.
    pub fn holds(&self, name: impl AsRef<Path>) -> bool {
        self.is(name, |kind| kind.is_file())
    }

    fn is(&self, name: impl AsRef<Path>, what: impl Fn(cap_std::fs::FileType) -> bool) -> bool {
        let found = self.dir.symlink_metadata(name);
        found.is_ok_and(|found| what(found.file_type()))
    }

    /// Opens a file; none if it is not there.
    ///
    /// # Errors
    /// If it is not a regular file, or may not be opened.
    fn opened(
        &self,
        name: &OsStr,
        how: &mut OpenOptions,
        what: &'static str,
    ) -> Result<Option<File>> {
        let path = self.path_of(name);
        // What never answers, such as a pipe, does not keep anyone waiting.
        how.read(true).follow(FollowSymlinks::No).nonblock(true);
        match self.dir.open_with(name, how) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            _ if !self.holds(name) => Err(not_regular(&path)),
            opened => Ok(Some(opened.map_err(Error::io(what, &path))?.into_std())),
        }
    }

    /// Opens a file for reading; none if it is not there.
    ///
    /// # Errors
    /// If it is not a regular file, or may not be opened.
    pub fn reader(&self, name: impl AsRef<OsStr>) -> Result<Option<File>> {
        self.opened(name.as_ref(), &mut OpenOptions::new(), "read")
    }

    /// Opens a file that is there for reading and writing; none if it is not there.
    ///
    /// # Errors
    /// If it is not a regular file, or may not be opened.
    pub fn writer(&self, name: impl AsRef<OsStr>) -> Result<Option<File>> {
        self.opened(name.as_ref(), OpenOptions::new().write(true), "write")
    }

    /// Opens a file that is there to write at its end, whoever else does; none if it is not there.
    ///
    /// # Errors
    /// If it is not a regular file, or may not be opened.
    pub fn appender(&self, name: impl AsRef<OsStr>) -> Result<Option<File>> {
        self.opened(name.as_ref(), OpenOptions::new().append(true), "write")
    }

    /// Opens a file that is to be locked, which is made where it is not there.
    ///
    /// # Errors
    /// If it is not a regular file, or can neither be made nor opened.
    pub fn lock(&self, name: &str) -> Result<File> {
        let mut how = OpenOptions::new();
        how.read(true).append(true).create(true);
        how.follow(FollowSymlinks::No).nonblock(true);
        let opened = self.dir.open_with(name, &how);
        match opened {
            _ if self.dir.symlink_metadata(name).is_ok() && !self.holds(name) => {
                Err(not_regular(&self.path_of(name)))
            }
            opened => Ok(opened
                .map_err(Error::io("write to", &self.path))?
                .into_std()),
        }
    }

    /// Reads a file of up to `most` bytes; none if it is not there.
    ///
    /// # Errors
    /// If it is not a regular file, cannot be read, or has more.
    pub fn read(&self, name: impl AsRef<OsStr>, most: u64) -> Result<Option<Vec<u8>>> {
        let path = self.path_of(name.as_ref());
        self.reader(name)?
            .map(|file| whole(file, &path, most))
            .transpose()
    }

    /// Writes a file as a whole.
    ///
    /// # Errors
    /// If it cannot be written; the one before is still there then.
    pub fn write(&self, name: impl AsRef<OsStr>, bytes: &[u8]) -> Result<()> {
        let unfinished = self.unfinished(name.as_ref(), bytes)?;
        self.put(&unfinished.name, name.as_ref())
    }

    /// As [`Folder::write`], with the version before kept beside it, under the name that [`previous`] tells.
    ///
    /// # Errors
    /// As [`Folder::write`]; an older version is still there then.
    pub fn write_keeping(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let unfinished = self.unfinished(name.as_ref(), bytes)?;
        if self.holds(name) {
            // Between this and the next line only the version before is there.
            self.put(name.as_ref(), previous(name).as_ref())?;
        }
        self.put(&unfinished.name, name.as_ref())
    }

    /// Makes a file that begins with these bytes and is written on at its end, in the place of one that was
    /// there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn begin(&self, name: &str, bytes: &[u8]) -> Result<File> {
        self.write(name, bytes)?;
        let lost = self.lost("write", &self.path_of(name));
        let mut file = (self.writer(name)?).ok_or_else(|| lost(ErrorKind::NotFound.into()))?;
        file.seek(SeekFrom::End(0)).map_err(lost)?;
        Ok(file)
    }

    /// Removes a file or a link, if it is there.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove(&self, name: impl AsRef<Path>) -> Result<()> {
        match self.dir.remove_file_or_symlink(&name) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(Error::io("replace", &self.path_of(name))),
        }
    }

    /// Removes a folder in it, if nothing is in that one.
    pub fn remove_inner(&self, name: impl AsRef<Path>) {
        // What the user keeps there is not ours.
        _ = self.dir.remove_dir(name);
    }

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

    fn unfinished(&self, name: &OsStr, bytes: &[u8]) -> Result<Unfinished> {
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

    fn put(&self, from: &OsStr, to: &OsStr) -> Result<()> {
        let path = self.path_of(to);
        (self.dir.rename(from, &self.dir, to)).map_err(self.lost("write", &path))?;
        // A name is durable once its folder is; not every system can tell a folder so.
        if cfg!(unix) {
            let sync = self.dir.open(".").and_then(|folder| folder.sync_all());
            sync.map_err(self.lost("write", &path))?;
        }
        Ok(())
    }

    /// What it means that something could not be done in a folder that was there.
    fn lost(&self, what: &'static str, path: &Path) -> impl Fn(io::Error) -> Error + use<> {
        let (folder, path) = (self.path.clone(), path.to_owned());
        move |error| match error.kind() {
            ErrorKind::NotFound => Error::usage(
                format!(
                    "the folder {} was removed while klfit was writing to it",
                    folder.display()
                ),
                "run it again, and leave the folder alone until it has ended",
            ),
            _ => Error::io(what, &path)(error),
        }
    }
}

/// A file that is about to get its name: locked, so that nobody takes it for one that was cut off.
struct Unfinished {
    name: OsString,
    file: File,
}

/// The name of the version before.
pub(crate) fn previous(name: &str) -> String {
    format!("{name}.{PREVIOUS}")
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

    /// A folder, and one beside it that holds a file of someone's own.
    fn with_a_neighbour() -> (tempfile::TempDir, Folder, PathBuf) {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::create(&temporary.path().join("folder")).unwrap();
        let other = temporary.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("own"), "mine").unwrap();
        (temporary, folder, other)
    }

    #[test]
    fn nothing_is_done_through_a_link() {
        let (_temporary, folder, other) = with_a_neighbour();
        let own = other.join("own");
        symlink(&own, folder.path_of("file")).unwrap();
        symlink(&other, folder.path_of("inner")).unwrap();
        symlink("own", folder.path_of("beside")).unwrap();
        fs::write(folder.path_of("own"), "as well").unwrap();
        for name in ["file", "beside"] {
            assert!(!folder.holds(name));
            let error = folder.read(name, 100).unwrap_err().to_string();
            assert!(error.ends_with("is not a regular file"), "{error}");
            assert!(folder.writer(name).is_err());
        }
        assert!(folder.inner("inner").unwrap().is_none());
        assert!(folder.create_inner("inner").is_err());
        // What is written takes the place of the link.
        folder.write("file", b"new").unwrap();
        folder
            .begin("beside", b"new")
            .unwrap()
            .write_all(b"er")
            .unwrap();
        assert_eq!(folder.read("file", 100).unwrap().unwrap(), b"new");
        assert_eq!(folder.read("beside", 100).unwrap().unwrap(), b"newer");
        // What is removed is the link.
        folder.remove("inner").unwrap();
        assert_eq!(fs::read_to_string(&own).unwrap(), "mine");
        assert_eq!(
            fs::read_to_string(folder.path_of("own")).unwrap(),
            "as well"
        );
        // No name leads out.
        assert!(folder.write("../other/own", b"yours").is_err());
        assert!(folder.remove("../other/own").is_err());
        assert!(folder.reader(&own).is_err());
        assert!(folder.inner("..").unwrap().is_none());
    }

    #[test]
    fn a_folder_stays_the_one_that_was_opened() {
        let (temporary, folder, other) = with_a_neighbour();
        fs::rename(folder.path(), temporary.path().join("moved")).unwrap();
        symlink(&other, folder.path()).unwrap();
        folder.write("own", b"its own").unwrap();
        assert_eq!(fs::read_to_string(other.join("own")).unwrap(), "mine");
        assert_eq!(
            fs::read_to_string(temporary.path().join("moved/own")).unwrap(),
            "its own"
        );
        fs::remove_dir_all(temporary.path().join("moved")).unwrap();
        let error = folder.write("file", b"").unwrap_err().to_string();
        assert!(
            error.ends_with("was removed while klfit was writing to it"),
            "{error}"
        );
    }

    #[test]
    fn a_pipe_keeps_nobody_waiting() {
        let (_temporary, folder, _) = with_a_neighbour();
        let pipe = folder.path_of("pipe");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        for opened in [folder.reader("pipe"), folder.writer("pipe")] {
            assert!(
                opened
                    .unwrap_err()
                    .to_string()
                    .ends_with("is not a regular file")
            );
        }
        assert!(super::super::read::read(&pipe, 100).is_err());
    }

    #[test]
    fn what_was_cut_off_is_cleared_and_what_is_being_written_is_not() {
        let (_temporary, folder, _) = with_a_neighbour();
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

    #[test]
    fn a_file_is_the_old_one_or_the_new_one_and_nothing_is_left() {
        let (_temporary, folder, _) = with_a_neighbour();
        for text in ["one", "two", "three"] {
            folder.write_keeping("file", text.as_bytes()).unwrap();
        }
        assert_eq!(folder.read("file", 100).unwrap().unwrap(), b"three");
        assert_eq!(folder.read(previous("file"), 100).unwrap().unwrap(), b"two");
        assert!(folder.read("file", 4).is_err());
        let gone = folder.discard("file").unwrap();
        assert!(!folder.holds("file") && folder.holds(&gone));
        assert_eq!(folder.passing().unwrap(), std::slice::from_ref(&gone));
        folder.remove(&gone).unwrap();
        assert_eq!(folder.names().unwrap(), [previous("file").as_str()]);
    }
}
