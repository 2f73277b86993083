// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

/// @title A trader that calls back when it is paid. For tests alone.
contract HostileReceiver {
    address private _target;
    bytes private _onReceipt;
    uint256 public callsBack;
    bool public lastSucceeded;
    bytes public lastAnswer;

    /// @notice Sets what is called once value arrives; no data = the value is refused.
    function arm(address target, bytes calldata onReceipt) external {
        (_target, _onReceipt) = (target, onReceipt);
    }

    /// @notice Does anything, passing on the value it was sent.
    function act(address target, bytes calldata data) external payable returns (bytes memory) {
        (bool done, bytes memory answer) = target.call{value: msg.value}(data);
        if (!done) {
            assembly {
                revert(add(answer, 32), mload(answer))
            }
        }
        return answer;
    }

    receive() external payable {
        require(_onReceipt.length != 0, "value refused");
        ++callsBack;
        (lastSucceeded, lastAnswer) = _target.call(_onReceipt);
    }
}
