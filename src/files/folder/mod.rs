//! A folder that is opened once: what is done in it stays in it, whatever links it holds.

mod unfinished;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

use super::read::{not_regular, whole};
use crate::error::{Error, Result};

pub(crate) use unfinished::is_passing;

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

/// The name of the version before.
pub(crate) fn previous(name: &str) -> String {
    format!("{name}.{PREVIOUS}")
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::io::Write;
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
