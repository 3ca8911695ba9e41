/* Profile and trace hooks for Python 3.11: they count calls, calls of C functions and bytecodes.
 *
 * use(numbers, names, head, slots)  where to count: a writable buffer of 64-bit numbers, a file descriptor
 * enable()                          count what this thread does from here on
 *
 * All of it runs under the GIL. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <frameobject.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TABLE 262144 /* a power of two, well above the number of slots */

static Py_buffer buffer;
static int64_t *numbers;
static int names = -1;
static long head, slots, used;
static struct { const void *key; long slot; } table[TABLE];
static PyObject *opcodes_name, *lines_name;

static long *find(const void *key)
{
    size_t place = ((uintptr_t)key >> 4) * 0x9E3779B97F4A7C15u >> 40 & (TABLE - 1);
    while (table[place].key && table[place].key != key)
        place = (place + 1) & (TABLE - 1);
    if (!table[place].key) {
        table[place].key = key;
        table[place].slot = -1;
    }
    return &table[place].slot;
}

static long new_slot(const char *name, const char *place, int line)
{
    char text[1024];
    if (used >= slots)
        return head + slots - 1;
    int length = line >= 0 ? snprintf(text, sizeof text, "%ld\t%s\t%s:%d\n", used, name, place, line)
                           : snprintf(text, sizeof text, "%ld\t%s\t%s\n", used, name, place);
    if (length >= (int)sizeof text) {
        length = sizeof text - 1;
        text[length - 1] = '\n';
    }
    if (write(names, text, (size_t)length) < 0) {
        /* The function stays without a name. */
    }
    return head + used++;
}

static void count_code(PyFrameObject *frame)
{
    PyCodeObject *code = PyFrame_GetCode(frame);
    long *slot = find(code);
    if (*slot < 0) {
        const char *name = PyUnicode_AsUTF8(code->co_qualname), *file = PyUnicode_AsUTF8(code->co_filename);
        if (!name || !file)
            PyErr_Clear();
        *slot = new_slot(name ? name : "?", file ? file : "?", code->co_firstlineno);
        Py_INCREF(code); /* for good: the address must not be used for another function */
    }
    numbers[*slot]++;
    Py_DECREF(code);
}

/* The type that defines a method: an object may be of a subclass. */
static const char *owner_of(PyTypeObject *type, const PyMethodDef *method)
{
    for (PyTypeObject *base = type; base; base = base->tp_base)
        for (PyMethodDef *own = base->tp_methods; own && own->ml_name; own++)
            if (own == method)
                return base->tp_name;
    return type->tp_name;
}

static void count_c(PyObject *function)
{
    PyMethodDef *method = NULL;
    const char *owner = "builtins";
    PyObject *module = NULL;
    char joined[512];
    if (PyCFunction_Check(function)) {
        PyObject *self = PyCFunction_GET_SELF(function);
        method = ((PyCFunctionObject *)function)->m_ml;
        module = ((PyCFunctionObject *)function)->m_module;
        if (module && PyUnicode_Check(module))
            owner = PyUnicode_AsUTF8(module);
        else if (self && !PyModule_Check(self))
            owner = owner_of(PyType_Check(self) ? (PyTypeObject *)self : Py_TYPE(self), method);
    } else if (Py_IS_TYPE(function, &PyMethodDescr_Type) || Py_IS_TYPE(function, &PyClassMethodDescr_Type)) {
        method = ((PyMethodDescrObject *)function)->d_method;
        owner = PyDescr_TYPE(function)->tp_name;
    }
    if (!method)
        return;
    long *slot = find(method);
    if (*slot < 0) {
        snprintf(joined, sizeof joined, "%s.%s", owner ? owner : "builtins", method->ml_name);
        *slot = new_slot(joined, "C", -1);
    }
    numbers[*slot]++;
}

static int profile(PyObject *self, PyFrameObject *frame, int what, PyObject *argument)
{
    if (what == PyTrace_CALL) {
        numbers[0]++;
        count_code(frame);
    } else if (what == PyTrace_C_CALL) {
        numbers[1]++;
        count_c(argument);
    }
    return 0;
}

static int trace(PyObject *self, PyFrameObject *frame, int what, PyObject *argument)
{
    if (what == PyTrace_OPCODE)
        numbers[2]++;
    else if (what == PyTrace_CALL &&
             (PyObject_SetAttr((PyObject *)frame, opcodes_name, Py_True) < 0 ||
              PyObject_SetAttr((PyObject *)frame, lines_name, Py_False) < 0))
        PyErr_Clear();
    return 0;
}

static PyObject *use(PyObject *module, PyObject *arguments)
{
    PyObject *target;
    if (!PyArg_ParseTuple(arguments, "Oill", &target, &names, &head, &slots))
        return NULL;
    if (buffer.obj)
        PyBuffer_Release(&buffer);
    if (PyObject_GetBuffer(target, &buffer, PyBUF_WRITABLE) < 0)
        return NULL;
    numbers = buffer.buf;
    Py_RETURN_NONE;
}

static PyObject *enable(PyObject *module, PyObject *ignored)
{
    PyEval_SetProfile(profile, NULL);
    PyEval_SetTrace(trace, NULL);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"use", use, METH_VARARGS, "Count into a buffer; write names to a file."},
    {"enable", enable, METH_NOARGS, "Count what this thread does."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "sioprobe_hooks", NULL, -1, methods};

PyMODINIT_FUNC PyInit_sioprobe_hooks(void)
{
    opcodes_name = PyUnicode_InternFromString("f_trace_opcodes");
    lines_name = PyUnicode_InternFromString("f_trace_lines");
    return PyModule_Create(&definition);
}
