// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

import {Exchange} from "./Exchange.sol";
import {PriceFeed, PushOutcome, Update} from "./PriceFeed.sol";
import {Outcome} from "./exchange/Types.sol";

/// @title The price push and the liquidations it triggers, in one transaction.
/// @notice Pushes first. The call into the exchange is isolated and bounded in gas: nothing in it
/// can undo the push. Holds REPORTER_ROLE on the feed and KEEPER_ROLE on the exchange, and admits
/// only callers that hold both themselves. Never holds TAO.
contract KeeperRouter {
    uint256 public constant IDS_MAX = 300;

    /// @notice What is kept back from the exchange's call, to report its outcomes; grows with the
    /// ids, because so does the report.
    uint256 public constant GAS_RESERVE = 60_000;
    uint256 public constant GAS_RESERVE_PER_ID = 1_500;

    PriceFeed public immutable feed;
    Exchange public immutable exchange;

    /// @notice Nothing was liquidated; the push stands. `reason` is empty when the gas did not
    /// reach for the call, or ran out in it.
    event LiquidationCallFailed(bytes reason);

    error MissingRole(address caller, bytes32 role);
    error TooMany(uint256 ids);

    constructor(PriceFeed feed_, Exchange exchange_) {
        (feed, exchange) = (feed_, exchange_);
    }

    /// @notice Pushes `updates`, then liquidates `ids` to the caller's benefit.
    /// @return pushed one outcome an update
    /// @return outcomes one an id; all Gas when the call failed
    /// @return isolatedCallSucceeded whether the exchange's call went through
    function pushAndLiquidate(Update[] calldata updates, bytes16[] calldata ids)
        external
        returns (
            PushOutcome[] memory pushed,
            Outcome[] memory outcomes,
            bool isolatedCallSucceeded
        )
    {
        _requireKeeper();
        if (ids.length > IDS_MAX) revert TooMany(ids.length);
        pushed = feed.push(updates);
        (outcomes, isolatedCallSucceeded) = _liquidate(ids);
    }

    function _liquidate(bytes16[] calldata ids)
        private
        returns (Outcome[] memory outcomes, bool succeeded)
    {
        if (ids.length == 0) return (new Outcome[](0), true);
        uint256 reserve = GAS_RESERVE + GAS_RESERVE_PER_ID * ids.length;
        if (gasleft() <= reserve) return _failed(ids.length, "");
        try exchange.liquidate{gas: gasleft() - reserve}(ids, msg.sender) returns (
            Outcome[] memory reported
        ) {
            return (reported, true);
        } catch (bytes memory reason) {
            return _failed(ids.length, reason);
        }
    }

    function _failed(uint256 count, bytes memory reason)
        private
        returns (Outcome[] memory outcomes, bool)
    {
        outcomes = new Outcome[](count);
        for (uint256 i; i < count; ++i) {
            outcomes[i] = Outcome.Gas;
        }
        emit LiquidationCallFailed(reason);
        return (outcomes, false);
    }

    function _requireKeeper() private view {
        if (!feed.hasRole(feed.REPORTER_ROLE(), msg.sender)) {
            revert MissingRole(msg.sender, feed.REPORTER_ROLE());
        }
        if (!exchange.hasRole(exchange.KEEPER_ROLE(), msg.sender)) {
            revert MissingRole(msg.sender, exchange.KEEPER_ROLE());
        }
    }
}
