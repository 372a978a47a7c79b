//! What the operating system knows about a tree of processes: time on the processor and memory.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::time::Duration;

/// A process and everything that descends from it.
#[derive(Debug, Clone, Copy)]
pub struct Tree {
    root: u32,
}

impl Tree {
    /// The tree below (and with) the process `root`.
    #[must_use]
    pub const fn of(root: u32) -> Self {
        Self { root }
    }

    /// Processor time of the tree in user and system mode, ended and waited-for children included.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn processor_time(&self) -> io::Result<Duration> {
        /// Fields 14 to 17 of `/proc/PID/stat`, counted from the one after the command's name.
        const TIMES: std::ops::Range<usize> = 11..15;
        let mut ticks = 0;
        for pid in self.members()? {
            let fields = stat_fields(pid).unwrap_or_default();
            let times = fields.get(TIMES).unwrap_or_default();
            ticks += times
                .iter()
                .filter_map(|ticks| ticks.parse::<u64>().ok())
                .sum::<u64>();
        }
        let per_second = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_secs_f64(ticks as f64 / per_second as f64))
    }

    /// Memory of the tree in bytes, shared pages divided among those who share them.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn memory_bytes(&self) -> io::Result<u64> {
        let mut kibibytes = 0;
        for pid in self.members()? {
            let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"));
            let rollup = rollup.unwrap_or_default();
            let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
            let number = line.and_then(|line| line.split_whitespace().next());
            kibibytes += number
                .and_then(|text| text.parse::<u64>().ok())
                .unwrap_or(0);
        }
        Ok(kibibytes * 1024)
    }

    fn members(&self) -> io::Result<Vec<u32>> {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let fields = stat_fields(pid).unwrap_or_default();
            if let Some(parent) = fields.get(1).and_then(|parent| parent.parse().ok()) {
                children.entry(parent).or_default().push(pid);
            }
        }
        let mut members = vec![self.root];
        let mut next = 0;
        while let Some(pid) = members.get(next).copied() {
            members.extend(children.remove(&pid).unwrap_or_default());
            next += 1;
        }
        Ok(members)
    }
}

/// The fields of `/proc/PID/stat` behind the command's name (state, parent, …).
fn stat_fields(pid: u32) -> io::Result<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    Ok(fields.split_whitespace().map(str::to_owned).collect())
}
