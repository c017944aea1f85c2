"""What the numbers were taken on."""

import os
import platform
import re
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
MODEL = re.compile(r"^model name\s*: (.+)$", re.MULTILINE)


def machine() -> dict[str, str]:
    """Return the CPU, the cores, the operating system and the Python."""
    return {
        "CPU": _model() or platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "operating system": f"{_system()}, {platform.system()} {platform.release().split('-')[0]}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def _model() -> str:
    found = MODEL.search(CPU_INFO.read_text()) if CPU_INFO.exists() else None
    return found[1] if found else ""


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.platform(terse=True)
