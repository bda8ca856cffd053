// The other half of the shim, behind the kernel's text: memory, fibers and the launch.

#include <sys/mman.h>
#include <unistd.h>

extern "C" char __start_shared_memory[] __attribute__((weak));
extern "C" char __stop_shared_memory[] __attribute__((weak));

namespace shim {

const int THREADS = 1024, STACK = 64 << 10;
typedef void (*Kernel)(void** args);

struct Array {
    char* data;      // the caller's; results are written back
    long bytes;
    int written;     // 0: const
    char* region;    // our copy's pages, a forbidden one at either end
    char* copy;
    long pages;
    char* result;    // what the blocks wrote, put together
    unsigned* owner; // the block that changed each word, counted from 1
};

struct Fiber {
    ucontext_t context;
    jmp_buf place;
    int thread, line;  // the barrier where it waits; 0: it is through
};

static Fiber fibers[THREADS];
static char* stacks;
static jmp_buf scheduler;
static sigjmp_buf out;
static int order[THREADS], threads, started, running;
static Kernel kernel;
static void** kernel_args;
static uint64_t randomness;
static char* message;

static unsigned draw(unsigned n)
{
    randomness = randomness * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(randomness >> 33) % n;
}

static void shuffle(int* numbers, int n)
{
    for (int i = n - 1; i > 0; --i) {
        const int j = draw(i + 1), swapped = numbers[i];
        numbers[i] = numbers[j];
        numbers[j] = swapped;
    }
}

void barrier(int line)
{
    Fiber& own = fibers[running];
    own.line = line;
    if (!_setjmp(own.place)) _longjmp(scheduler, 1);
    threadIdx.x = own.thread;
    asm volatile("" ::: "memory");
}

// A fiber takes threads that have not started until one of them waits at a barrier: without barriers, a plain loop.
static void work()
{
    const int fiber = running;
    while (started < threads) {
        fibers[fiber].thread = order[started++];
        threadIdx.x = fibers[fiber].thread;
        kernel(kernel_args);
    }
    fibers[fiber].line = 0;
    _longjmp(scheduler, 1);
}

// Run one block; the number of the complaint, or 0.
static int block()
{
    static int waiting[THREADS];
    volatile int count = 0, fresh = 0;
    if (__start_shared_memory) memset(__start_shared_memory, 0xff, __stop_shared_memory - __start_shared_memory);
    for (int i = 0; i < threads; ++i) order[i] = i;
    shuffle(order, threads);
    started = 0;
    while (started < threads) {
        running = fresh;
        Fiber& fiber = fibers[fresh];
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = stacks + (long)fresh * STACK;
        fiber.context.uc_stack.ss_size = STACK;
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, work, 0);
        if (!_setjmp(scheduler)) setcontext(&fiber.context);
        if (fibers[fresh].line) {
            waiting[count] = fresh;
            count = count + 1;
        }
        fresh = fresh + 1;
    }
    volatile int through = threads - count;
    while (count) {
        const int line = fibers[waiting[0]].line;
        for (int i = 1; i < count; ++i)
            if (fibers[waiting[i]].line != line) {
                sprintf(message, "block %u: some threads wait at the barrier of line %d, others at that of line %d",
                        blockIdx.x, line, fibers[waiting[i]].line);
                return 1;
            }
        if (through) {
            sprintf(message, "block %u: %d threads wait at the barrier of line %d, %d never come there", blockIdx.x,
                    (int)count, line, (int)through);
            return 1;
        }
        shuffle(waiting, count);
        volatile int left = 0, i = 0;
        for (; i < count; i = i + 1) {
            running = waiting[i];
            if (!_setjmp(scheduler)) _longjmp(fibers[running].place, 1);
            if (fibers[waiting[i]].line) {
                waiting[left] = waiting[i];
                left = left + 1;
            }
        }
        through = count - left;
        count = left;
    }
    return 0;
}

static long page() { return sysconf(_SC_PAGESIZE); }

static void lay_out(Array& array, bool at_the_end)
{
    array.pages = (array.bytes + page() - 1) / page() * page();
    array.region = (char*)mmap(nullptr, array.pages + 2 * page(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char* inside = array.region + page();
    if (array.pages) mprotect(inside, array.pages, PROT_READ | PROT_WRITE);
    array.copy = at_the_end ? inside + array.pages - array.bytes : inside;
    memcpy(array.copy, array.data, array.bytes);
    array.result = nullptr;
    array.owner = nullptr;
    if (array.written) {
        array.result = new char[array.bytes + 4];
        memcpy(array.result, array.data, array.bytes);
        array.owner = new unsigned[array.bytes / 4 + 1]();
    } else if (array.pages)
        mprotect(inside, array.pages, PROT_READ);
}

static void let_go(Array& array, bool good)
{
    if (good && array.written) memcpy(array.data, array.result, array.bytes);
    delete[] array.result;
    delete[] array.owner;
    munmap(array.region, array.pages + 2 * page());
}

// Take what a block changed, and put the array back as the launch found it.
static int take_over(Array& array, int index)
{
    for (long i = 0; i < array.bytes; i += 4) {
        const long width = array.bytes - i < 4 ? array.bytes - i : 4;
        if (!memcmp(array.copy + i, array.data + i, width)) continue;
        if (array.owner[i / 4]) {
            sprintf(message, "blocks %u and %u both write to word %ld of array %d", array.owner[i / 4] - 1, blockIdx.x,
                    i / 4, index);
            return 1;
        }
        array.owner[i / 4] = blockIdx.x + 1;
        memcpy(array.result + i, array.copy + i, width);
        memcpy(array.copy + i, array.data + i, width);
    }
    return 0;
}

static Array* arrays_now;
static int arrays_count;

static void fault(int, siginfo_t* info, void*)
{
    const char* at = (const char*)info->si_addr;
    sprintf(message, "block %u, thread %u: no array there", blockIdx.x, threadIdx.x);
    for (int i = 0; i < arrays_count; ++i) {
        const Array& array = arrays_now[i];
        if (at >= array.region && at < array.region + array.pages + 2 * page()) {
            const long from_start = at - array.copy;
            const char* what = from_start < 0 ? "before the start of"
                : from_start >= array.bytes   ? "past the end of"
                                              : "for writing in the const";
            sprintf(message, "block %u, thread %u: a touch %s array %d", blockIdx.x, threadIdx.x, what, i);
        }
    }
    siglongjmp(out, 1);
}

}  // namespace shim

// Run a kernel.  args: 8 bytes each, as CuPy packs them; arrays: {data, bytes, written}, `which` names the argument of
// each.  Returns 0, or 1 and a message.
extern "C" int shim_launch(
    shim::Kernel kernel, unsigned blocks, int threads, char* args, int count, shim::Array* arrays, const int* which,
    int n_arrays, int at_the_end, uint64_t seed, char* message)
{
    using namespace shim;
    static void* pointers[64];
    if (!stacks)
        stacks = (char*)mmap(nullptr, (long)THREADS * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    shim::kernel = kernel;
    shim::threads = threads;
    shim::message = message;
    randomness = seed * 2 + 1;
    draw(2);
    for (int i = 0; i < count; ++i) pointers[i] = args + 8 * i;
    for (int i = 0; i < n_arrays; ++i) {
        lay_out(arrays[i], at_the_end);
        memcpy(args + 8 * which[i], &arrays[i].copy, 8);
    }
    kernel_args = pointers;
    arrays_now = arrays;
    arrays_count = n_arrays;
    struct sigaction ours = {}, segv, bus;
    ours.sa_sigaction = fault;
    ours.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &ours, &segv);
    sigaction(SIGBUS, &ours, &bus);
    volatile int bad = 0;
    if (sigsetjmp(out, 1))
        bad = 1;
    else
        for (blockIdx.x = 0; blockIdx.x < blocks && !bad; ++blockIdx.x) {
            bad = block();
            for (int i = 0; i < n_arrays && !bad; ++i)
                if (arrays[i].written) bad = take_over(arrays[i], which[i]);
        }
    sigaction(SIGSEGV, &segv, nullptr);
    sigaction(SIGBUS, &bus, nullptr);
    for (int i = 0; i < n_arrays; ++i) let_go(arrays[i], !bad);
    return bad;
}
