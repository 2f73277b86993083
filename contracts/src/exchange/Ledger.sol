// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {InsufficientBalance, NotMultipleOfGwei, TransferFailed, ValueMismatch} from "./Errors.sol";
import {Events} from "./Events.sol";
import {Account, VaultLimits} from "./Types.sol";

/// @title Who owns which part of the contract's TAO.
/// @notice The one invariant: free balances + margins + funded claims + reserves + insurance +
/// keeper rewards = the contract's TAO. Every function here moves wei from one of them to another.
///
/// Value leaves by `_send` alone. Each of its callers is `nonReentrant`, has changed all of its
/// state before, and sends to nobody but its own caller. No other foreign code is ever called: the
/// price feed is ours, and the precompile is read by `staticcall`.
abstract contract Ledger is AccessControl, ReentrancyGuard, Events {
    using SafeCast for uint256;

    /// @param exposure sum over the markets of their net open interest
    struct Totals {
        uint128 reserves;
        uint128 insurance;
        uint128 free;
        uint128 margins;
        uint128 keeperRewards;
        uint128 exposure;
    }

    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");
    bytes32 public constant KEEPER_ROLE = keccak256("KEEPER_ROLE");

    Totals internal _totals;
    VaultLimits internal _limits;
    mapping(address trader => Account) internal _accounts;
    mapping(address beneficiary => uint256) internal _keeperRewards;

    /// @dev Chain 964 keeps nothing below 1 gwei: an odd amount would lose wei on its way.
    modifier wholeGwei(uint256 amount) {
        if (amount % 1 gwei != 0) revert NotMultipleOfGwei(amount);
        _;
    }

    modifier paysExactly(uint256 amount) {
        if (msg.value != amount) revert ValueMismatch(amount, msg.value);
        _;
    }

    /// @notice TAO that the trader can withdraw or put up as margin.
    function freeBalance(address trader) external view returns (uint256) {
        return _accounts[trader].free;
    }

    function keeperReward(address beneficiary) external view returns (uint256) {
        return _keeperRewards[beneficiary];
    }

    function _creditFree(address trader, uint256 amount) internal {
        _accounts[trader].free += amount.toUint96();
        _totals.free += amount.toUint128();
    }

    function _debitFree(address trader, uint256 amount) internal {
        Account storage account = _accounts[trader];
        if (amount > account.free) revert InsufficientBalance(amount, account.free);
        account.free -= uint96(amount);
        _totals.free -= uint128(amount);
    }

    /// @dev Margin must have been taken from somewhere before.
    function _lockMargin(address trader, uint256 amount) internal {
        _accounts[trader].margin += amount.toUint96();
        _totals.margins += amount.toUint128();
    }

    /// @dev The caller owes the released wei to somebody.
    function _releaseMargin(address trader, uint256 amount) internal {
        _accounts[trader].margin -= amount.toUint96();
        _totals.margins -= amount.toUint128();
    }

    function _rewardKeeper(address beneficiary, uint256 amount) internal {
        _keeperRewards[beneficiary] += amount;
        _totals.keeperRewards += amount.toUint128();
    }

    function _send(uint256 amount) internal {
        (bool sent,) = msg.sender.call{value: amount}("");
        if (!sent) revert TransferFailed();
    }
}
