//! The disk as a file system, through FUSE.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem,
    FopenFlags, Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr,
    ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs,
    ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use tempfile::TempDir;

use crate::disk::{Disk, ROOT};

/// The kernel asks again after this; nothing changes behind its back.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// A mounted disk. Taking it off ends the mount.
pub(crate) struct Mount {
    disk: Arc<Mutex<Disk>>,
    session: Option<BackgroundSession>,
    // Declared last: it goes when nothing is mounted on it any more.
    directory: TempDir,
}

impl Mount {
    pub(crate) fn new(disk: Disk) -> std::io::Result<Self> {
        let directory = TempDir::new()?;
        let disk = Arc::new(Mutex::new(disk));
        let mut config = Config::default();
        config.mount_options = vec![
            MountOption::FSName("power-cut".to_owned()),
            MountOption::NoAtime,
        ];
        let served = Served(Arc::clone(&disk));
        let session = fuser::spawn_mount(served, directory.path(), &config)?;
        Ok(Self {
            disk,
            session: Some(session),
            directory,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn disk(&self) -> MutexGuard<'_, Disk> {
        locked(&self.disk)
    }

    /// Cuts the power, if it is not cut yet, and mounts what is found afterwards.
    pub(crate) fn power_cycle(&mut self) -> std::io::Result<()> {
        let found = self.disk().cut();
        self.unmount()?;
        *self = Self::new(found)?;
        Ok(())
    }

    fn unmount(&mut self) -> std::io::Result<()> {
        let session = self.session.take();
        session.map_or(Ok(()), BackgroundSession::umount_and_join)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if let Err(error) = self.unmount() {
            say(&format!("{} stays mounted: {error}", self.path().display()));
        }
    }
}

/// A mount of an empty disk; none where this machine cannot do that, which is said loudly and must
/// not be in continuous integration.
pub(crate) fn mount(seed: u64) -> Option<Mount> {
    match Mount::new(Disk::new(seed)) {
        Ok(mount) => Some(mount),
        Err(error) => {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "no file system can be mounted through FUSE: {error}"
            );
            say(&format!(
                "NOT RUN: power cuts need /dev/fuse and the right to mount: {error}"
            ));
            None
        }
    }
}

/// Past the capture of the test runner.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "power_cut: {line}");
}

fn locked(disk: &Mutex<Disk>) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The side of a mount that answers the kernel.
struct Served(Arc<Mutex<Disk>>);

impl Served {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        locked(&self.0)
    }

    fn create(&self, name: (INodeNo, &OsStr), is_directory: bool, mode: u32) -> Answer<FileAttr> {
        let mode = u16::try_from(mode & 0o7777).unwrap_or(0o600);
        let mut disk = self.disk();
        let number = disk.create((name.0.0, name.1.to_owned()), is_directory, mode)?;
        attributes(&disk, number)
    }
}

type Answer<T> = Result<T, Errno>;

fn attributes(disk: &Disk, number: u64) -> Answer<FileAttr> {
    let node = disk.node(number)?;
    let size = node.content.len() as u64;
    Ok(FileAttr {
        ino: INodeNo(number),
        size,
        blocks: size.div_ceil(512),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: kind(node.is_directory),
        perm: node.mode,
        nlink: 1,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    })
}

fn kind(is_directory: bool) -> FileType {
    if is_directory {
        FileType::Directory
    } else {
        FileType::RegularFile
    }
}

fn offset(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn done(answer: Answer<()>, reply: ReplyEmpty) {
    match answer {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

fn entry(answer: Answer<FileAttr>, reply: ReplyEntry) {
    match answer {
        Ok(attributes) => reply.entry(&KNOWN_FOR, &attributes, Generation(0)),
        Err(error) => reply.error(error),
    }
}

impl Filesystem for Served {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let disk = self.disk();
        let found = disk.find(parent.0, name);
        entry(found.and_then(|number| attributes(&disk, number)), reply);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match attributes(&self.disk(), ino.0) {
            Ok(attributes) => reply.attr(&KNOWN_FOR, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut disk = self.disk();
        let resized = size.map_or(Ok(()), |size| disk.resize(ino.0, offset(size)));
        match resized.and_then(|()| attributes(&disk, ino.0)) {
            Ok(attributes) => reply.attr(&KNOWN_FOR, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        entry(self.create((parent, name), true, mode), reply);
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        match Served::create(self, (parent, name), false, mode) {
            Ok(attributes) => {
                let _ = self.disk().open(attributes.ino.0);
                reply.created(
                    &KNOWN_FOR,
                    &attributes,
                    Generation(0),
                    FileHandle(0),
                    FopenFlags::empty(),
                );
            }
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(self.disk().remove((parent.0, name.to_owned())), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(self.disk().remove((parent.0, name.to_owned())), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if !flags.is_empty() {
            return reply.error(Errno::EINVAL);
        }
        let from = (parent.0, name.to_owned());
        let to = (newparent.0, newname.to_owned());
        done(self.disk().rename(from, to), reply);
    }

    fn open(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.disk().open(ino.0) {
            Ok(()) => reply.opened(FileHandle(0), FopenFlags::empty()),
            Err(error) => reply.error(error),
        }
    }

    fn release(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.disk().close(ino.0);
        reply.ok();
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        from: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.disk().node(ino.0) {
            Ok(node) => reply.data(node.content.read(offset(from), size as usize)),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        at: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.disk().write(ino.0, offset(at), data) {
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX)),
            Err(error) => reply.error(error),
        }
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        done(self.disk().sync(ino.0), reply);
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        done(self.disk().sync(ino.0), reply);
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        behind: u64,
        mut reply: ReplyDirectory,
    ) {
        let disk = self.disk();
        let list = match disk.list(ino.0) {
            Ok(list) => list,
            Err(error) => return reply.error(error),
        };
        let dots = [(1, ".".into()), (2, "..".into())];
        for (position, name) in dots.into_iter().chain(list) {
            let is_directory = disk.node(position).map_or(true, |node| node.is_directory);
            let number = if position < 3 { ROOT } else { position };
            // The position is the number of the file, so that it stays true while names go.
            if position > behind && reply.add(INodeNo(number), position, kind(is_directory), name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let (blocks, free) = self.disk().space();
        reply.statfs(blocks, free, free, 1 << 20, 1 << 20, 4096, 255, 4096);
    }
}
