// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Row, Suspension} from "../PriceFeed.sol";
import {Arithmetic} from "./Arithmetic.sol";
import {BeneficiaryMissing, InsufficientBalance} from "./Errors.sol";
import {Trading} from "./Trading.sol";
import {Market, Outcome, Position} from "./Types.sol";

/// @title Liquidation: by keepers, in batches, never reverting for one id.
/// @notice Credits internal balances only: no value leaves and no foreign code runs.
abstract contract Liquidation is Trading {
    using SafeCast for uint256;

    /// @notice What is kept in hand before each id: enough to liquidate it on cold storage, and to
    /// report it and every id behind it as skipped.
    uint256 public constant GAS_PER_LIQUIDATION = 320_000;
    uint256 public constant GAS_PER_SKIP = 4_000;

    /// @dev A position valued at the feed price and the projected index.
    struct Assessment {
        Outcome wouldBe;
        bool isLiquidatable;
        uint256 price;
        int256 index;
        int256 fundingOwed;
        int256 remaining;
    }

    /// @notice Liquidates what is below maintenance at the feed price and the index of this block.
    /// Stops when gas runs low and reports the rest as Gas.
    /// @param beneficiary is credited the keeper's share; draw it by `withdrawKeeperRewards`
    function liquidate(bytes16[] calldata ids, address beneficiary)
        external
        onlyRole(KEEPER_ROLE)
        returns (Outcome[] memory outcomes)
    {
        if (beneficiary == address(0)) revert BeneficiaryMissing();
        outcomes = new Outcome[](ids.length);
        bool isGasLow;
        for (uint256 i; i < ids.length; ++i) {
            uint256 reserve = GAS_PER_LIQUIDATION + GAS_PER_SKIP * (ids.length - i);
            isGasLow = isGasLow || gasleft() < reserve;
            Outcome outcome = isGasLow ? Outcome.Gas : _liquidate(ids[i], beneficiary);
            if (outcome != Outcome.Liquidated) emit LiquidationSkipped(ids[i], outcome);
            outcomes[i] = outcome;
        }
    }

    function withdrawKeeperRewards(uint256 amount) external nonReentrant wholeGwei(amount) {
        uint256 reward = _keeperRewards[msg.sender];
        if (amount > reward) revert InsufficientBalance(amount, reward);
        _keeperRewards[msg.sender] = reward - amount;
        _totals.keeperRewards -= uint128(amount);
        emit KeeperRewardWithdrawn(msg.sender, amount);
        _send(amount);
    }

    /// @dev Views and `liquidate` share this judgement, so they cannot differ.
    function _assess(Position storage position) internal view returns (Assessment memory found) {
        uint256 size = position.size;
        if (size == 0) {
            found.wouldBe = Outcome.Closed;
            return found;
        }
        Market storage market = _markets[_marketOf(position.netuid)];
        Row memory row = feed.row(position.netuid);
        found.price = row.price;
        found.index = _indexNow(market);
        if (row.price != 0) {
            int256 pnl;
            (pnl, found.fundingOwed) = _value(position, size, row.price, found.index);
            found.remaining = int256(uint256(position.margin)) + pnl - found.fundingOwed;
            found.isLiquidatable =
                Arithmetic.isLiquidatable(found.remaining, size, market.parameters.maintenanceBps);
        }
        if (row.reason != Suspension.None) {
            found.wouldBe = Outcome.Suspended;
        } else if (_isStale(row, market.parameters.liquidationAgeMax)) {
            found.wouldBe = Outcome.Stale;
        } else {
            found.wouldBe = found.isLiquidatable ? Outcome.Liquidated : Outcome.Healthy;
        }
    }

    function _liquidate(bytes16 id, address beneficiary) private returns (Outcome) {
        Position storage position = _positions[id];
        Assessment memory found = _assess(position);
        if (found.wouldBe != Outcome.Liquidated) return found.wouldBe;
        address key = _marketOf(position.netuid);
        Market storage market = _markets[key];
        _accrue(key, market);

        uint256 margin = position.margin;
        _release(position, margin, position.size);
        _fundingLedger += found.fundingOwed;
        (uint256 paid, uint256 unpaid) = _settle(margin, found.remaining);
        uint256 badDebt = _bookBadDebt(id, found.remaining);
        (uint256 penalty, uint256 keeperShare) = _split(market, found.remaining);
        _rewardKeeper(beneficiary, keeperShare);
        _totals.insurance += (penalty - keeperShare).toUint128();
        _creditFree(position.trader, paid - penalty);
        _bookClaim(position.trader, unpaid);

        emit PositionLiquidated(
            id,
            position.trader,
            key,
            position.sequence,
            found.price,
            found.index,
            found.remaining,
            penalty,
            keeperShare,
            badDebt,
            beneficiary
        );
        _removePosition(id, position);
        return Outcome.Liquidated;
    }

    function _split(Market storage market, int256 remaining)
        private
        view
        returns (uint256 penalty, uint256 keeperShare)
    {
        if (remaining <= 0) return (0, 0);
        penalty = Arithmetic.shareOf(uint256(remaining), market.parameters.penaltyBps);
        keeperShare = Arithmetic.shareOf(penalty, market.parameters.keeperShareBps);
    }
}
