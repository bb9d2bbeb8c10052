"""Memory that never moves, and memory that is handed out.

A :class:`Region` reserves addresses for all that may ever come and takes memory as it is needed, so that who reads it
without a lock never holds a pointer to a place that was given up. A :class:`Column` is a result: numbers of one type,
which Python sees through the buffer protocol without a copy.
"""

from cpython.buffer cimport PyBUF_FORMAT, PyBUF_ND, PyBUF_STRIDES, PyBuffer_FillInfo
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from posix.mman cimport (
    MAP_ANONYMOUS,
    MAP_FAILED,
    MAP_FIXED,
    MAP_NORESERVE,
    MAP_PRIVATE,
    PROT_NONE,
    PROT_READ,
    PROT_WRITE,
    madvise,
    mmap,
    mprotect,
    munmap,
)

cdef extern from "sys/mman.h":
    """
    #ifndef MADV_HUGEPAGE
    #define MADV_HUGEPAGE 0
    #endif
    #ifdef __SANITIZE_THREAD__  /* it can watch a small part of the addresses only */
    #define CAPACITY_MAX ((size_t)1 << 30)
    #else
    #define CAPACITY_MAX SIZE_MAX
    #endif
    """
    int MADV_HUGEPAGE
    size_t CAPACITY_MAX

cdef enum:
    HUGE_PAGE = 1 << 21


cdef class Region:
    """Room for up to `capacity` bytes, zero at first, at one address for as long as the region lives."""

    def __cinit__(self, size_t capacity):
        capacity = min(capacity, CAPACITY_MAX)
        self.reserved = (capacity + HUGE_PAGE - 1) & ~(<size_t>HUGE_PAGE - 1)
        self.mapped_size = self.reserved + HUGE_PAGE
        cdef void* found = mmap(NULL, self.mapped_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        if found == MAP_FAILED:
            self.mapped_size = 0
            raise MemoryError(f"cannot reserve addresses for {capacity} bytes")
        self.mapped = <char*>found
        # Aligned, or the kernel could not back it with huge pages.
        self.at = <char*>((<size_t>found + HUGE_PAGE - 1) & ~(<size_t>HUGE_PAGE - 1))
        madvise(self.at, self.reserved, MADV_HUGEPAGE)  # a wish; without it all is the same, but slower

    def __dealloc__(self):
        if self.mapped_size:
            munmap(self.mapped, self.mapped_size)

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self.at, self.committed, 1, flags)

    cdef int ensure(self, size_t size) except -1 nogil:
        """Make the first `size` bytes usable. Raises MemoryError."""
        if size <= self.committed:
            return 0
        # A quarter more than asked for, so that growing takes few system calls.
        cdef size_t wanted = (size + size // 4 + 65535) & ~<size_t>65535
        if wanted > self.reserved:
            wanted = self.reserved
        if size > wanted or mprotect(self.at, wanted, PROT_READ | PROT_WRITE):
            with gil:
                raise MemoryError(f"cannot have {size} bytes of a region of {self.reserved}")
        self.committed = wanted
        return 0

    cdef int map_file(self, int file, int64_t offset, size_t size) except -1:
        """Show `size` bytes of a file at the beginning; what is written to them stays in memory."""
        if size == 0:
            return 0
        if size > self.reserved:
            raise MemoryError(f"a file of {size} bytes does not fit into a region of {self.reserved}")
        if mmap(self.at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file, offset) == MAP_FAILED:
            raise MemoryError(f"cannot map {size} bytes of a file")
        self.committed = max(self.committed, (size + 4095) & ~<size_t>4095)
        return 0


cdef class Column:
    """Numbers of one type. `memoryview(column)` and `numpy.asarray(column)` show them without a copy."""

    @staticmethod
    cdef Column of(bytes code, Py_ssize_t width, Py_ssize_t count):
        """Room for `count` numbers; `code` as in the module struct. Raises MemoryError."""
        cdef Column column = Column.__new__(Column)
        column.at = malloc(max(count * width, 1))
        if column.at == NULL:
            raise MemoryError()
        column.count = count
        column.width = width
        column.code = code
        return column

    def __dealloc__(self):
        free(self.at)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index):
        return memoryview(self)[index]

    def __iter__(self):
        return iter(memoryview(self))

    def tolist(self) -> list:
        """The numbers as a list."""
        return memoryview(self).tolist()

    def __repr__(self) -> str:
        return f"<{self.count} x {self.code.decode()}>"

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        self.shape[0] = self.count
        self.strides[0] = self.width
        buffer.buf = self.at
        buffer.obj = self
        buffer.len = self.count * self.width
        buffer.itemsize = self.width
        buffer.readonly = 0
        buffer.ndim = 1
        buffer.format = <char*>self.code if flags & PyBUF_FORMAT else NULL
        buffer.shape = self.shape if flags & PyBUF_ND else NULL
        buffer.strides = self.strides if flags & PyBUF_STRIDES == PyBUF_STRIDES else NULL
        buffer.suboffsets = NULL
        buffer.internal = NULL
