"""Compiles contracts/src with the npm Solidity compiler: `python -m contracts.compile`.

Writes what the rest of the project reads: one artifact a contract in contracts/artifacts, and the
plain ABI lists that `protocol` is packaged with. Both are committed; a test compiles again and
compares. Needs Node and contracts/node_modules, nothing else does.
"""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
_SOURCES = _HERE / "src"
ARTIFACTS = _HERE / "artifacts"
ABIS = _HERE.parent / "protocol" / "abi"
NODE_MODULES = _HERE / "node_modules"

CONTRACTS = {
    "src/PriceFeed.sol": "PriceFeed",
    "src/Exchange.sol": "Exchange",
    "src/KeeperRouter.sol": "KeeperRouter",
    "src/AlphaPrecompile.sol": "AlphaPrecompile",
    "src/test/HostileReceiver.sol": "HostileReceiver",
}
"""Which contract of which source becomes an artifact."""

PACKAGED_ABIS = ("PriceFeed", "Exchange", "KeeperRouter")
"""The contracts that the fleet talks to."""

_SETTINGS: dict[str, Any] = {
    "viaIR": True,
    "optimizer": {"enabled": True, "runs": 200},
    "evmVersion": "cancun",
    # No metadata trailer: byte code changes when the code does, not when a comment does.
    "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
    "outputSelection": {
        "*": {"*": ["abi", "metadata", "evm.bytecode.object", "evm.deployedBytecode.object"]}
    },
}

Json = dict[str, Any]


class CompilationError(Exception):
    """The compiler refused the sources; the message is its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """Files to write, by path, with their content."""

    files: Mapping[Path, str]


def compile_contracts() -> Compiled:
    """Compile every source below contracts/src.

    Raises:
        CompilationError: the compiler reported an error or a warning.
    """
    sources = {
        path.relative_to(_HERE).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(_SOURCES.rglob("*.sol"))
    }
    output = _run_compiler(sources)
    return Compiled(files=dict(_files(output, sources)))


def _run_compiler(sources: Mapping[str, str]) -> Json:
    """Run solc once; `sources` maps a source's name to its text."""
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sources.items()},
        "settings": _SETTINGS,
    }
    run = subprocess.run(  # noqa: S603 - a fixed script of ours, no shell
        ["node", str(_HERE / "solc.js")],  # noqa: S607 - Node is wherever the PATH has it
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
    )
    output: Json = json.loads(run.stdout)
    complaints = [error["formattedMessage"] for error in output.get("errors", [])]
    if complaints:
        raise CompilationError("\n".join(complaints))
    return output


def _files(output: Json, sources: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    for source, name in CONTRACTS.items():
        contract = output["contracts"][source][name]
        yield ARTIFACTS / f"{name}.json", _text(_artifact(contract, sources))
        if name in PACKAGED_ABIS:
            yield ABIS / f"{name}.json", _text(contract["abi"])


def _artifact(contract: Json, sources: Mapping[str, str]) -> Json:
    """What a deployment needs; immutables read zero in `deployedBytecode`."""
    metadata = json.loads(contract["metadata"])
    return {
        "abi": contract["abi"],
        "bytecode": "0x" + contract["evm"]["bytecode"]["object"],
        "compiler": metadata["compiler"]["version"],
        "deployedBytecode": "0x" + contract["evm"]["deployedBytecode"]["object"],
        "sources": {
            name: hashlib.sha256(sources[name].encode()).hexdigest()
            for name in metadata["sources"]
            if name in sources
        },
    }


def _text(value: object) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


def main() -> int:
    """Write the artifacts and say how large each contract is at run time."""
    compiled = compile_contracts()
    for path, text in compiled.files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if path.parent == ARTIFACTS:
            size = len(json.loads(text)["deployedBytecode"]) // 2 - 1
            sys.stdout.write(f"{path.stem}: {size:,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
