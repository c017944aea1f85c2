"""What the numbers were taken on."""

import os
import platform
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
OS_RELEASE = Path("/etc/os-release")


def machine() -> dict[str, str]:
    """Return the CPU, the cores, the operating system and the Python."""
    return {
        "CPU": _field(CPU_INFO, "model name", ":") or platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "operating system": f"{_system()}, {platform.system()} {platform.release().split('-')[0]}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def _system() -> str:
    return _field(OS_RELEASE, "PRETTY_NAME", "=").strip('"') or platform.platform(terse=True)


def _field(path: Path, name: str, separator: str) -> str:
    if not path.exists():
        return ""
    for line in path.read_text().splitlines():
        key, _, value = line.partition(separator)
        if key.strip() == name:
            return value.strip()
    return ""
