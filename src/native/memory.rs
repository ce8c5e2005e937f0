#![forbid(unsafe_code)]

use rustix::process::{Resource, Rlimit, setrlimit};

/// No core dump, of this process and of what it starts; on Linux nobody but root may look into its memory, either: core(5), prctl(2).
pub fn keep_private() -> bool {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // Both, since a program that takes core dumps by a pipe asks for no limit
    let is_limited = setrlimit(Resource::Core, none).is_ok();
    is_limited && is_undumpable()
}

#[cfg(target_os = "linux")]
fn is_undumpable() -> bool {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn is_undumpable() -> bool {
    true
}
