//! The first call of a function: its address is found and written into the slot of its trampoline.

use crate::library::LIBRARIES;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

/// What a trampoline knows of its function, as `trampolines` lays it out.
#[repr(C)]
pub(crate) struct Function {
    /// The library's place in [`LIBRARIES`].
    library: u8,
    /// What the function returns: [`STATUS`], [`TEXT`], or something else of which zero is a value.
    returns: u8,
    /// The first character of the name; the others follow, and a zero.
    name: c_char,
}

/// The function returns a status code of its library.
const STATUS: u8 = 0;
/// The function returns a text that its caller may read.
const TEXT: u8 = 1;

/// Returns the address that the trampoline shall jump to, and writes it into the slot for the calls that follow.
///
/// Two threads may come here for one function: both find the same address.
///
/// # Safety
/// `function` points to a record of a trampoline, `slot` to its slot.
pub(crate) unsafe extern "C" fn resolve(
    function: *const Function,
    slot: *const AtomicPtr<c_void>,
) -> *const c_void {
    // SAFETY: the caller gives a record, which is constant, and whose name ends with a zero.
    let (library, returns, name) = unsafe {
        let name = &raw const (*function).name;
        ((*function).library, (*function).returns, CStr::from_ptr(name))
    };
    let index = usize::from(library);
    let found = LIBRARIES.get(index).and_then(|library| library.address(name));
    let address = found.unwrap_or_else(|| missing(index, returns));
    // SAFETY: the caller gives the slot, which is written as an atomic here alone. Its readers take all of it at once.
    unsafe { (*slot).store(address.cast_mut(), Ordering::Release) };
    address
}

/// The function that is called where there is none of the name. It takes no arguments: in the C ABI the caller removes them.
fn missing(library: usize, returns: u8) -> *const c_void {
    match returns {
        STATUS => STATUS_OF.get(library).map_or(zero as *const c_void, |status| *status as *const c_void),
        TEXT => text as *const c_void,
        _ => zero as *const c_void,
    }
}

/// For each library a function that returns its code.
static STATUS_OF: [extern "C" fn() -> c_int; LIBRARIES.len()] =
    [status::<0>, status::<1>, status::<2>, status::<3>, status::<4>, status::<5>];

extern "C" fn status<const LIBRARY: usize>() -> c_int {
    LIBRARIES[LIBRARY].missing
}

extern "C" fn text() -> *const c_char {
    c"NVIDIA's library can't be loaded".as_ptr()
}

extern "C" fn zero() -> usize {
    0
}
