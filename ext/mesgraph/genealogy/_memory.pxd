from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t


cdef class Region:
    cdef char* at
    cdef size_t reserved
    cdef size_t committed
    cdef char* mapped
    cdef size_t mapped_size
    cdef int ensure(self, size_t size) except -1 nogil
    cdef int map_file(self, int file, int64_t offset, size_t size) except -1


cdef class Column:
    cdef void* at
    cdef Py_ssize_t count
    cdef Py_ssize_t width
    cdef Py_ssize_t shape[1]
    cdef Py_ssize_t strides[1]
    cdef bytes code
    @staticmethod
    cdef Column of(bytes code, Py_ssize_t width, Py_ssize_t count)
