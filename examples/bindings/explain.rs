// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
//! The library from Rust, with declarations written by hand: what would a policy say?
//!
//!     rustc explain.rs -l ebpfnet
//!     explain POLICY.yaml SUBJECT PEER PORT
//!
//! SUBJECT and PEER are labels, "app=api,io.kubernetes.pod.namespace=demo"; the question is about TCP and ingress.
use std::ffi::{c_char, c_int, c_uint, c_void, CStr, CString};
use std::mem::size_of;
use std::ptr::{null, null_mut};
use std::{env, fs, process};

const EBPFNET_INGRESS: c_int = 1;
const VERDICTS: [&str; 6] = ["deny", "allow", "redirect", "audit", "auth", "pass"];
const IPPROTO_TCP: u8 = 6;

/// struct ebpfnet_policy_query
#[repr(C)]
struct Query {
    sz: usize,
    direction: c_int,
    protocol: u8,
    code: u8,
    port: u16,
    subject: *const c_void,
    peer: *const c_void,
    peer_addr: *const c_void,
    peer_names: *const *const c_char,
    n_peer_names: usize,
}

/// struct ebpfnet_policy_answer
#[repr(C)]
struct Answer {
    verdict: c_int,
    rule: u32,
    proxy_port: u16,
    reserved: [u16; 3],
    name: [c_char; 528],
}

/// struct ebpfnet_policy_parse_opts
#[repr(C)]
struct ParseOpts {
    sz: usize,
    path: *const c_char,
    first_line: c_uint,
    reserved: c_uint,
    diag: *mut c_void,
}

extern "C" {
    fn ebpfnet_diag_new(ret: *mut *mut c_void) -> c_int;
    fn ebpfnet_diag_free(diag: *mut c_void);
    fn ebpfnet_diag_format(diag: *const c_void, buf: *mut c_char, size: usize) -> c_int;
    fn ebpfnet_ctx_new(opts: *const c_void, ret: *mut *mut c_void) -> c_int;
    fn ebpfnet_ctx_unref(ctx: *mut c_void) -> *mut c_void;
    fn ebpfnet_labels_parse(text: *const c_char, source: *const c_char, diag: *mut c_void, ret: *mut *mut c_void) -> c_int;
    fn ebpfnet_labels_unref(labels: *mut c_void) -> *mut c_void;
    fn ebpfnet_policy_set_new(ctx: *mut c_void, ret: *mut *mut c_void) -> c_int;
    fn ebpfnet_policy_set_free(set: *mut c_void);
    fn ebpfnet_policy_set_parse(set: *mut c_void, text: *const c_char, len: usize, opts: *const ParseOpts) -> c_int;
    fn ebpfnet_policy_explain(set: *const c_void, query: *const Query, ret: *mut Answer) -> c_int;
}

/// Everything that has to be given back, whatever happens.
struct Session {
    diag: *mut c_void,
    ctx: *mut c_void,
    set: *mut c_void,
    labels: [*mut c_void; 2],
}

impl Drop for Session {
    fn drop(&mut self) {
        unsafe {
            for labels in self.labels {
                ebpfnet_labels_unref(labels);
            }
            ebpfnet_policy_set_free(self.set);
            ebpfnet_ctx_unref(self.ctx);
            ebpfnet_diag_free(self.diag);
        }
    }
}

impl Session {
    fn new() -> Result<Session, String> {
        let mut s = Session { diag: null_mut(), ctx: null_mut(), set: null_mut(), labels: [null_mut(); 2] };
        let made = unsafe { ebpfnet_diag_new(&mut s.diag) };
        s.check(made)?;
        let made = unsafe { ebpfnet_ctx_new(null(), &mut s.ctx) };
        s.check(made)?;
        let made = unsafe { ebpfnet_policy_set_new(s.ctx, &mut s.set) };
        s.check(made)?;
        Ok(s)
    }

    /// A negative errno becomes the diagnostics' text.
    fn check(&self, ret: c_int) -> Result<c_int, String> {
        let mut text = [0 as c_char; 4096];

        if ret >= 0 {
            return Ok(ret);
        }
        if !self.diag.is_null() && unsafe { ebpfnet_diag_format(self.diag, text.as_mut_ptr(), text.len()) } > 0 {
            return Err(unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().trim().to_string());
        }
        Err(std::io::Error::from_raw_os_error(-ret).to_string())
    }

    fn parse(&mut self, path: &str) -> Result<(), String> {
        let text = fs::read(path).map_err(|e| format!("{path}: {e}"))?;
        let name = CString::new(path).map_err(|e| e.to_string())?;
        let opts = ParseOpts { sz: size_of::<ParseOpts>(), path: name.as_ptr(), first_line: 0, reserved: 0, diag: self.diag };
        let ret = unsafe { ebpfnet_policy_set_parse(self.set, text.as_ptr().cast(), text.len(), &opts) };
        self.check(ret).map(|_| ())
    }

    fn set_labels(&mut self, which: usize, text: &str) -> Result<(), String> {
        let text = CString::new(text).map_err(|e| e.to_string())?;
        let ret = unsafe { ebpfnet_labels_parse(text.as_ptr(), c"k8s".as_ptr(), self.diag, &mut self.labels[which]) };
        self.check(ret).map(|_| ())
    }

    fn explain(&self, port: u16) -> Result<String, String> {
        let query = Query {
            sz: size_of::<Query>(), direction: EBPFNET_INGRESS, protocol: IPPROTO_TCP, code: 0, port,
            subject: self.labels[0], peer: self.labels[1], peer_addr: null(), peer_names: null(), n_peer_names: 0,
        };
        let mut answer = Answer { verdict: 0, rule: 0, proxy_port: 0, reserved: [0; 3], name: [0; 528] };
        self.check(unsafe { ebpfnet_policy_explain(self.set, &query, &mut answer) })?;
        let name = unsafe { CStr::from_ptr(answer.name.as_ptr()) }.to_string_lossy();
        Ok(format!("{}: {}", VERDICTS.get(answer.verdict as usize).unwrap_or(&"?"), name))
    }
}

fn run(args: &[String], port: u16) -> Result<String, String> {
    let mut s = Session::new()?;
    s.parse(&args[1])?;
    s.set_labels(0, &args[2])?;
    s.set_labels(1, &args[3])?;
    s.explain(port)
}

fn main() {
    let args: Vec<String> = env::args().collect();
    let port = args.get(4).and_then(|p| p.parse().ok());
    let (Some(port), 5) = (port, args.len()) else {
        eprintln!("usage: explain POLICY.yaml SUBJECT PEER PORT");
        process::exit(2);
    };
    match run(&args, port) {
        Ok(text) => println!("{text}"),
        Err(text) => {
            eprintln!("explain: {text}");
            process::exit(1);
        }
    }
}
