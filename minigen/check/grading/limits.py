"""How much a submission may take: memory, file size, processor time; as far as the platform can hold it to that."""

import sys

FILE = 64 * 2**20  # bytes of one file that a submission writes


def limit(memory_mib: int, seconds: float) -> list[str]:
    """Limit this process for good; returns a sentence for each limit that this platform does not keep."""
    try:
        import resource
    except ImportError:  # Windows
        return [f"memory is not limited to {memory_mib} MiB: {sys.platform} has no such limit"]
    loose = []
    wanted = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, FILE),
        (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_AS, memory_mib * 2**20),
    ]
    for what, most in wanted:
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError) as error:
            loose.append(f"limit {what} could not be set to {most} ({error})")
    if sys.platform == "darwin":
        loose.append(f"memory is not limited to {memory_mib} MiB: macOS takes the limit and does not keep it")
    return loose
