//! Memory of a GPU, as its driver counts it. Tensors come from the driver's pool of the device (`cuMemAllocAsync`), which keeps the
//! most that was in use.

use std::ffi::c_void;

use candle_core::cuda_backend::CudaDevice;
use candle_core::cuda_backend::cudarc::driver::CudaContext;
use candle_core::cuda_backend::cudarc::driver::result::{device, mem_pool};
use candle_core::cuda_backend::cudarc::driver::sys::{CUmemPool_attribute as Attribute, CUmemoryPool};

/// Bytes that no process has, and those that the pool keeps for the next tensors.
pub(super) fn left(cuda: &CudaDevice) -> Option<u64> {
    let (free, _) = context(cuda, |context| context.mem_get_info().ok())?;
    let kept = attribute(cuda, Attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT)
        .zip(used(cuda))
        .map_or(0, |(reserved, used)| reserved.saturating_sub(used));
    Some(free as u64 + kept)
}

pub(super) fn used(cuda: &CudaDevice) -> Option<u64> {
    attribute(cuda, Attribute::CU_MEMPOOL_ATTR_USED_MEM_CURRENT)
}

pub(super) fn peak(cuda: &CudaDevice) -> Option<u64> {
    attribute(cuda, Attribute::CU_MEMPOOL_ATTR_USED_MEM_HIGH)
}

pub(super) fn forget_peak(cuda: &CudaDevice) {
    let Some(pool) = pool(cuda) else { return };
    let mut zero = 0u64;
    let at = (&raw mut zero).cast::<c_void>();
    // SAFETY: the pool is the device's own, which lives as long as the device; this attribute is a u64 (cuMemPoolSetAttribute). Where
    // the driver can't reset it, the peak is one that was before.
    let _ = unsafe { mem_pool::set_attribute(pool, Attribute::CU_MEMPOOL_ATTR_USED_MEM_HIGH, at) };
}

fn attribute(cuda: &CudaDevice, which: Attribute) -> Option<u64> {
    let mut bytes = 0u64;
    let at = (&raw mut bytes).cast::<c_void>();
    // SAFETY: the pool is the device's own, which lives as long as the device; the attributes asked for are u64 (cuMemPoolGetAttribute).
    unsafe { mem_pool::get_attribute(pool(cuda)?, which, at) }.ok()?;
    Some(bytes)
}

/// The pool that tensors come from; `None` where the device has none, and tensors come from `cuMemAlloc`.
fn pool(cuda: &CudaDevice) -> Option<CUmemoryPool> {
    context(cuda, |context| {
        if !context.has_async_alloc() {
            return None;
        }
        // SAFETY: the handle is that of a device whose context is there.
        unsafe { device::get_default_mem_pool(context.cu_device()) }.ok()
    })
}

/// Asks the context of the device, on this thread.
fn context<T>(cuda: &CudaDevice, ask: impl FnOnce(&CudaContext) -> Option<T>) -> Option<T> {
    let stream = cuda.cuda_stream();
    stream.context().bind_to_thread().ok()?;
    ask(stream.context())
}
