"""Rows of a database driver as JSON, byte for byte what :func:`json.dumps` makes of what graphql-core makes of them.

An object is a *template*: fixed bytes with slots between them. A slot takes a column of a row in the form in which the
database keeps it, an integer of microseconds for an instant, and writes it as its scalar is shown. A relation is a slot,
too: its column holds a key, and what stands behind the key was written before and is copied.

Whatever a template does not foresee - a null where none may be, a number that GraphQL's Int cannot hold - raises
:class:`Unusual`. The operation is then executed again by graphql-core, which knows what to say about it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.string cimport memcpy

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL

cdef enum:
    _TEXT, _INTEGER, _BOOLEAN, _EXACT, _INSTANT, _WORD, _IDENTITY, _MASK, _ONE, _MANY

TEXT, INTEGER, BOOLEAN, EXACT, INSTANT = _TEXT, _INTEGER, _BOOLEAN, _EXACT, _INSTANT
WORD, IDENTITY, MASK, ONE, MANY = _WORD, _IDENTITY, _MASK, _ONE, _MANY

cdef long long MICROS = 1_000_000
cdef long long DAY = 86_400 * MICROS
cdef long long INT_MAX = 2_147_483_647
# from 0001-01-01 to the end of 9999, as Python's datetime has them, in days since 1970
cdef long long DAY_MIN = -719_162, DAY_MAX = 2_932_896
cdef const char *HEX = b"0123456789abcdef"
cdef const char *BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
cdef char ESCAPES[256]


cdef void _fill_escapes() noexcept:
    cdef int code
    for code in range(256):
        ESCAPES[code] = 1 if code < 0x20 else 0
    ESCAPES[c'"'], ESCAPES[c'\\'] = c'"', c'\\'
    ESCAPES[8], ESCAPES[9], ESCAPES[10], ESCAPES[12], ESCAPES[13] = c"b", c"t", c"n", c"f", c"r"


_fill_escapes()


Piece = tuple[bytes, int]


class Unusual(Exception):
    """What a plan does not answer; the reference does."""


cdef class Buffer:
    """Bytes that grow, up to a limit."""

    cdef char *data
    cdef Py_ssize_t size, capacity, limit

    def __cinit__(self, Py_ssize_t limit):
        self.limit = limit
        self.capacity = 4096
        self.data = <char *> PyMem_Malloc(self.capacity)
        if self.data is NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.data)

    cdef int reserve(self, Py_ssize_t more) except -1:
        cdef Py_ssize_t wanted = self.size + more
        cdef char *grown
        if wanted <= self.capacity:
            return 0
        if wanted > self.limit:
            raise Unusual("the answer is too long")
        wanted = max(wanted, 2 * self.capacity)
        grown = <char *> PyMem_Realloc(self.data, wanted)
        if grown is NULL:
            raise MemoryError
        self.data, self.capacity = grown, wanted
        return 0

    cdef inline int raw(self, const char *data, Py_ssize_t size) except -1:
        self.reserve(size)
        memcpy(self.data + self.size, data, size)
        self.size += size
        return 0

    cdef inline int put(self, bytes piece) except -1:
        return self.raw(PyBytes_AS_STRING(piece), PyBytes_GET_SIZE(piece))

    cdef int text(self, str value) except -1:
        cdef Py_ssize_t size = 0, i
        cdef const char *data = PyUnicode_AsUTF8AndSize(value, &size)
        cdef char *out
        cdef char escape
        self.reserve(6 * size + 2)
        out = self.data + self.size
        out[0] = c'"'
        out += 1
        for i in range(size):
            escape = ESCAPES[<unsigned char> data[i]]
            if escape == 0:
                out[0] = data[i]
                out += 1
                continue
            out[0] = c'\\'
            if escape != 1:
                out[1] = escape
                out += 2
                continue
            memcpy(out + 1, b"u00", 3)
            out[4], out[5] = HEX[data[i] >> 4], HEX[data[i] & 15]
            out += 6
        out[0] = c'"'
        self.size = out + 1 - self.data
        return 0

    cdef int digits(self, unsigned long long value, int width) except -1:
        """``value`` in decimal, with zeros before it up to ``width``."""
        cdef char text[20]
        cdef int i = 20
        while value > 0 or width > 0:
            i -= 1
            text[i] = c"0" + <char> (value % 10)
            value = value // 10
            width -= 1
        return self.raw(text + i, 20 - i)

    cdef int integer(self, long long value) except -1:
        if not -INT_MAX - 1 <= value <= INT_MAX:
            raise Unusual(f"{value} is no Int")
        if value < 0:
            self.raw(b"-", 1)
            value = -value
        return self.digits(value, 1)

    cdef int exact(self, long long micro) except -1:
        """An integer of 10^-6 as the shortest decimal (:func:`mesgraph.quantity.plain`)."""
        cdef unsigned long long size = -<unsigned long long> micro if micro < 0 else <unsigned long long> micro
        cdef unsigned long long rest = size % MICROS
        cdef int width = 6
        self.raw(b'"-', 2 if micro < 0 else 1)
        self.digits(size // MICROS, 1)
        if rest:
            while rest % 10 == 0:
                rest = rest // 10
                width -= 1
            self.raw(b".", 1)
            self.digits(rest, width)
        return self.raw(b'"', 1)

    cdef int instant(self, long long micros) except -1:
        """Microseconds since 1970 as RFC 3339 in UTC (:func:`mesgraph.api.scalars.show_instant`)."""
        cdef long long day = micros // DAY, rest = micros % DAY
        cdef long long era, of_era, year, of_year, month
        if rest < 0:  # C divides towards zero
            day, rest = day - 1, rest + DAY
        if not DAY_MIN <= day <= DAY_MAX:
            raise Unusual("an instant outside the years 1 to 9999")
        # the civil date of a day: years begin in March, so that the leap day is the last one of its year
        day += 719_468
        era = day // 146_097
        of_era = day - era * 146_097
        year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
        of_year = of_era - (365 * year + year // 4 - year // 100)
        month = (5 * of_year + 2) // 153
        day = of_year - (153 * month + 2) // 5 + 1
        month = month + 3 if month < 10 else month - 9
        year += era * 400 + (month <= 2)
        self.raw(b'"', 1)
        self.digits(year, 4)
        self.raw(b"-", 1)
        self.digits(month, 2)
        self.raw(b"-", 1)
        self.digits(day, 2)
        self.raw(b"T", 1)
        self.digits(rest // (3_600 * MICROS), 2)
        self.raw(b":", 1)
        self.digits(rest // (60 * MICROS) % 60, 2)
        self.raw(b":", 1)
        self.digits(rest // MICROS % 60, 2)
        if rest % MICROS:
            self.raw(b".", 1)
            self.digits(rest % MICROS, 6)
        return self.raw(b'Z"', 2)

    cdef int identity(self, bytes kind, long long key) except -1:
        """The opaque id of a row (:func:`mesgraph.api.nodes.opaque_id`)."""
        cdef Py_ssize_t start, size, i = 0
        cdef Buffer plain = Buffer(256)
        cdef unsigned int three
        cdef char *out
        if key < 0:
            raise Unusual("a key below 0")
        plain.put(kind)
        plain.digits(key, 1)
        size = plain.size
        self.reserve(size * 4 // 3 + 8)
        self.raw(b'"~', 2)
        out = self.data + self.size
        while i < size:
            three = (<unsigned char> plain.data[i]) << 16
            if i + 1 < size:
                three |= (<unsigned char> plain.data[i + 1]) << 8
            if i + 2 < size:
                three |= <unsigned char> plain.data[i + 2]
            out[0], out[1] = BASE64[three >> 18], BASE64[three >> 12 & 63]
            out += 2
            if i + 1 < size:
                out[0] = BASE64[three >> 6 & 63]
                out += 1
            if i + 2 < size:
                out[0] = BASE64[three & 63]
                out += 1
            i += 3
        self.size = out - self.data
        return self.raw(b'"', 1)

    cdef bytes taken(self):
        """What was written; the buffer is empty again."""
        cdef bytes whole = PyBytes_FromStringAndSize(self.data, self.size)
        self.size = 0
        return whole


cdef class Slot:
    """A place in a template: what kind of value it takes, from which column, and whether that may be null.

    ``of`` depends on the kind: the JSON of each word, the type's name and a colon before a key, the mask, or the number
    of the relation.
    """

    cdef readonly int kind, column
    cdef readonly bint nullable
    cdef readonly object of

    def __init__(self, int kind, int column, bint nullable, of=None):
        self.kind, self.column, self.nullable, self.of = kind, column, nullable, of


cdef class Template:
    """An object: ``fixed`` bytes, one more than ``slots``, which stand between them.

    ``objects`` is of how many objects of GraphQL it consists, those behind relations aside.
    """

    cdef readonly tuple fixed, slots
    cdef readonly int objects

    def __init__(self, fixed, slots, int objects):
        self.fixed, self.slots, self.objects = tuple(fixed), tuple(slots), objects
        if len(self.fixed) != len(self.slots) + 1:
            raise ValueError("a slot stands between two fixed parts")

    cdef Py_ssize_t write(self, Buffer out, object row, list relations) except -1:
        cdef Py_ssize_t objects = self.objects, i
        cdef Slot slot
        cdef object value
        out.put(<bytes> self.fixed[0])
        for i in range(len(self.slots)):
            slot = <Slot> self.slots[i]
            value = row[slot.column]
            objects += _write(out, slot, value, relations)
            out.put(<bytes> self.fixed[i + 1])
        return objects


cdef Py_ssize_t _write(Buffer out, Slot slot, object value, list relations) except -1:
    """Write one value; how many objects stand in it."""
    cdef int kind = slot.kind
    cdef tuple behind
    if value is None:
        return _nothing(out, slot)
    if kind == _TEXT:
        out.text(value)
    elif kind == _INTEGER:
        out.integer(value)
    elif kind == _EXACT:
        out.exact(value)
    elif kind == _INSTANT:
        out.instant(value)
    elif kind == _BOOLEAN:
        out.raw(b"true", 4) if value else out.raw(b"false", 5)
    elif kind == _IDENTITY:
        out.identity(slot.of, value)
    elif kind == _MASK:
        out.put(slot.of)
    elif kind == _WORD:
        word = (<dict> slot.of).get(value)
        if word is None:
            raise Unusual(f"{value!r} is no word of its list")
        out.put(word)
    else:
        behind = (<dict> relations[slot.of]).get(value)
        if behind is None:
            return _nothing(out, slot)
        out.put(<bytes> behind[0])
        return behind[1]
    return 0


cdef Py_ssize_t _nothing(Buffer out, Slot slot) except -1:
    if slot.kind == _MANY:
        out.raw(b"[]", 2)
    elif slot.nullable:
        out.raw(b"null", 4)
    else:
        raise Unusual("a null where there is none")
    return 0


cdef class Objects:
    """How rows of one reading are written: by one template, or by that of the type which a column names.

    A *piece* is JSON with the number of objects in it.
    """

    cdef readonly Template template
    cdef readonly dict templates
    cdef readonly int column

    def __init__(self, templates, int column=-1):
        self.templates, self.column = dict(templates), column
        self.template = next(iter(self.templates.values())) if column < 0 else None

    cdef Template of(self, object row):
        cdef object found
        if self.column < 0:
            return self.template
        found = self.templates.get(row[self.column])
        if found is None:
            raise Unusual(f"a row of the kind {row[self.column]!r}")
        return found

    def each(self, rows, list relations, Py_ssize_t limit):
        """A piece for each row."""
        cdef Buffer out = Buffer(limit)
        cdef list pieces = []
        cdef Py_ssize_t objects
        for row in rows:
            objects = self.of(row).write(out, row, relations)
            pieces.append((out.taken(), objects))
        return pieces

    def array(self, rows, list relations, Py_ssize_t limit):
        """One piece: an array of all rows."""
        cdef Buffer out = Buffer(limit)
        cdef Py_ssize_t objects = 0
        cdef bint first = True
        out.raw(b"[", 1)
        for row in rows:
            if not first:
                out.raw(b",", 1)
            first = False
            objects += self.of(row).write(out, row, relations)
        out.raw(b"]", 1)
        return out.taken(), objects
