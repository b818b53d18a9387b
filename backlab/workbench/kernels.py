"""The one kernel that the workbench offers: the interpreter that backlab is installed in.

A notebook that was saved with another kernel, or a kernel elsewhere on this machine that calls itself
python3, would end at `import backlab`; here JupyterLab asks, and there is one answer.
"""

from __future__ import annotations

from ipykernel.kernelspec import KERNEL_NAME, RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel


class OnlyOurs(KernelSpecManager):
    """Knows the kernel of the running interpreter, by the name that the labs' notebooks carry."""

    def find_kernel_specs(self) -> dict[str, str]:
        """One name with its folder of icons."""
        return {KERNEL_NAME: str(RESOURCES)}

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """How to start it; `NoSuchKernel` for any other name."""
        if kernel_name != KERNEL_NAME:
            raise NoSuchKernel(kernel_name)
        return KernelSpec(resource_dir=str(RESOURCES), name=KERNEL_NAME, **get_kernel_dict())
