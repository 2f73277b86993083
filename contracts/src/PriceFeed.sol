// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";

/// @notice One price a market wants to have. `price` is TAO per Alpha scaled by 1e18, read at
/// `sourceBlock` of Subtensor, whose timestamp is `sourceTime` (Unix seconds).
struct Update {
    uint16 netuid;
    uint128 price;
    uint64 sourceBlock;
    uint64 sourceTime;
}

/// @notice What the feed knows of a market, in one storage slot. `price` 0: none was ever pushed.
/// `suspendedAt` is the block of the suspension, 0 with `reason` None.
struct Row {
    uint128 price;
    uint40 sourceBlock;
    uint40 sourceTime;
    uint40 suspendedAt;
    Suspension reason;
}

/// @notice What became of one update.
enum PushOutcome {
    Accepted,
    NotNewer,
    FutureBlock,
    TooOld,
    FutureTime,
    ZeroPrice,
    Suspended
}

/// @notice Why a market has no price that may be used. Guardian and Identity are *locked*: only the
/// admin ends them. The others end with the next price read at or after the block of the suspension.
/// Operator is a human's word: a suspension that a bot had on its way does not take its place.
enum Suspension {
    None,
    Guardian,
    Identity,
    NoPrice,
    Jump,
    Stall,
    Operator
}

/// @title The price feed: one trusted price a market, and the place to say "I do not know it".
/// @notice Subtensor and chain 964 are one chain with one height, so a source block is compared
/// with `block.number`. Nothing here reverts for one entry of a batch that is merely too late:
/// two pushers are harmless, and so is a push that was stuck.
contract PriceFeed is AccessControl {
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN_ROLE");
    bytes32 public constant REPORTER_ROLE = keccak256("REPORTER_ROLE");

    /// @notice The oldest price, in blocks behind this one, that a push may carry.
    uint256 public constant PUSH_AGE_MAX_BLOCKS = 25;

    mapping(uint16 netuid => Row) private _rows;

    event PricePushed(
        uint16 indexed netuid, uint128 price, uint40 sourceBlock, uint40 sourceTime
    );
    event UpdateSkipped(uint16 indexed netuid, uint64 sourceBlock, PushOutcome outcome);
    event MarketSuspended(uint16 indexed netuid, Suspension reason);
    event MarketResumed(uint16 indexed netuid);

    /// @notice Only the admin ends this suspension.
    error AdminOnly(uint16 netuid);
    /// @notice A suspension needs a reason other than None.
    error ReasonMissing();

    constructor(address admin) {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    /// @notice Writes each update that passes the rules, and reports for each what became of it.
    /// @dev An accepted update of a suspended market ends the suspension.
    function push(Update[] calldata updates)
        external
        onlyRole(REPORTER_ROLE)
        returns (PushOutcome[] memory outcomes)
    {
        outcomes = new PushOutcome[](updates.length);
        for (uint256 i; i < updates.length; ++i) {
            outcomes[i] = _push(updates[i]);
        }
    }

    /// @notice Says that the price of these markets is not known, from this block on.
    /// @dev A reporter gives its reason; a guardian's suspension is recorded as Guardian whatever
    /// it passes. A locked suspension stays as it is, an operator's gives way to a locked one alone,
    /// and repeating a reason keeps its block.
    function suspend(uint16[] calldata netuids, Suspension reason) external {
        if (reason == Suspension.Guardian || !hasRole(REPORTER_ROLE, msg.sender)) {
            _checkRole(GUARDIAN_ROLE);
            reason = Suspension.Guardian;
        }
        if (reason == Suspension.None) revert ReasonMissing();
        for (uint256 i; i < netuids.length; ++i) {
            _suspend(netuids[i], reason);
        }
    }

    /// @notice Ends suspensions without a new price: a reporter those that are not locked, the
    /// admin any. Markets that are not suspended are passed over.
    function resume(uint16[] calldata netuids) external {
        bool isAdmin = hasRole(DEFAULT_ADMIN_ROLE, msg.sender);
        if (!isAdmin) _checkRole(REPORTER_ROLE);
        for (uint256 i; i < netuids.length; ++i) {
            Row storage stored = _rows[netuids[i]];
            if (stored.reason == Suspension.None) continue;
            if (!isAdmin && _isLocked(stored.reason)) revert AdminOnly(netuids[i]);
            stored.suspendedAt = 0;
            stored.reason = Suspension.None;
            emit MarketResumed(netuids[i]);
        }
    }

    function rows(uint16[] calldata netuids) external view returns (Row[] memory found) {
        found = new Row[](netuids.length);
        for (uint256 i; i < netuids.length; ++i) {
            found[i] = _rows[netuids[i]];
        }
    }

    function row(uint16 netuid) external view returns (Row memory) {
        return _rows[netuid];
    }

    function _push(Update calldata update) private returns (PushOutcome outcome) {
        Row memory stored = _rows[update.netuid];
        outcome = _judge(update, stored);
        if (outcome != PushOutcome.Accepted) {
            emit UpdateSkipped(update.netuid, update.sourceBlock, outcome);
            return outcome;
        }
        if (stored.reason != Suspension.None) emit MarketResumed(update.netuid);
        // Both fit: neither is above this block's own number and time.
        uint40 sourceBlock = uint40(update.sourceBlock);
        uint40 sourceTime = uint40(update.sourceTime);
        _rows[update.netuid] = Row(update.price, sourceBlock, sourceTime, 0, Suspension.None);
        emit PricePushed(update.netuid, update.price, sourceBlock, sourceTime);
    }

    function _judge(Update calldata update, Row memory stored) private view returns (PushOutcome) {
        if (update.sourceBlock <= stored.sourceBlock) return PushOutcome.NotNewer;
        if (update.sourceBlock > block.number) return PushOutcome.FutureBlock;
        if (block.number - update.sourceBlock > PUSH_AGE_MAX_BLOCKS) return PushOutcome.TooOld;
        if (update.sourceTime > block.timestamp) return PushOutcome.FutureTime;
        if (update.price == 0) return PushOutcome.ZeroPrice;
        if (_isLocked(stored.reason)) return PushOutcome.Suspended;
        if (update.sourceBlock < stored.suspendedAt) return PushOutcome.Suspended;
        return PushOutcome.Accepted;
    }

    function _suspend(uint16 netuid, Suspension reason) private {
        Row storage stored = _rows[netuid];
        if (_isLocked(stored.reason) || stored.reason == reason) return;
        if (stored.reason == Suspension.Operator && !_isLocked(reason)) return;
        stored.suspendedAt = uint40(block.number);
        stored.reason = reason;
        emit MarketSuspended(netuid, reason);
    }

    function _isLocked(Suspension reason) private pure returns (bool) {
        return reason == Suspension.Guardian || reason == Suspension.Identity;
    }
}
