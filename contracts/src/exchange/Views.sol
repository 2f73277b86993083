// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

import {Row} from "../PriceFeed.sol";
import {Arithmetic} from "./Arithmetic.sol";
import {Liquidation} from "./Liquidation.sol";
import {
    MarginView, Market, MarketView, OpeningPause, Outcome, Position, PositionView, VaultView
} from "./Types.sol";

/// @title What bots read: everything of one block in few calls.
abstract contract Views is Liquidation {
    /// @notice Ids of open positions from `offset` on, at most `limit`, and how many there are.
    /// The order changes with every close: page within one block.
    function positionIds(uint256 offset, uint256 limit)
        external
        view
        returns (bytes16[] memory ids, uint256 total)
    {
        total = _openIds.length;
        uint256 left = offset < total ? total - offset : 0;
        ids = new bytes16[](limit < left ? limit : left);
        for (uint256 i; i < ids.length; ++i) {
            ids[i] = _openIds[offset + i];
        }
    }

    function positionsById(bytes16[] calldata ids)
        external
        view
        returns (PositionView[] memory found)
    {
        found = new PositionView[](ids.length);
        for (uint256 i; i < ids.length; ++i) {
            found[i] = _positionView(ids[i], _positions[ids[i]]);
        }
    }

    function markets(address[] calldata keys) external view returns (MarketView[] memory found) {
        found = new MarketView[](keys.length);
        for (uint256 i; i < keys.length; ++i) {
            found[i] = _marketView(keys[i], _markets[keys[i]]);
        }
    }

    function marginRatios(bytes16[] calldata ids)
        external
        view
        returns (MarginView[] memory found)
    {
        found = new MarginView[](ids.length);
        for (uint256 i; i < ids.length; ++i) {
            found[i] = _marginView(_positions[ids[i]]);
        }
    }

    function vaultState() external view returns (VaultView memory found) {
        found.reserves = _totals.reserves;
        found.insurance = _totals.insurance;
        found.freeBalances = _totals.free;
        found.margins = _totals.margins;
        found.claims = _claimsBooked - _claimsPaid;
        found.claimsFunded = _claimsFunded - _claimsPaid;
        found.keeperRewards = _totals.keeperRewards;
        found.badDebt = _badDebt;
        found.badDebtUncovered = _badDebtUncovered;
        found.fundingLedger = _fundingLedger;
        found.exposure = _totals.exposure;
        if (found.reserves != 0) {
            found.utilisationBps = found.exposure * Arithmetic.BPS_ONE / found.reserves;
        } else if (found.exposure != 0) {
            found.utilisationBps = type(uint256).max;
        }
        found.openingPause = _openingPause();
        found.openingPaused = found.openingPause != OpeningPause.None;
    }

    function _positionView(bytes16 id, Position storage position)
        private
        view
        returns (PositionView memory)
    {
        return PositionView({
            id: id,
            sequence: position.sequence,
            trader: position.trader,
            market: _marketOf(position.netuid),
            isLong: position.isLong,
            margin: position.margin,
            size: position.size,
            entryPrice: position.entryPrice,
            entryIndex: position.entryIndex
        });
    }

    function _marketView(address key, Market storage market)
        private
        view
        returns (MarketView memory found)
    {
        found.market = key;
        found.listed = market.listed;
        if (!market.listed) return found;
        Row memory row = feed.row(_netuidOf(key));
        found.price = row.price;
        found.sourceBlock = row.sourceBlock;
        found.sourceTime = row.sourceTime;
        found.suspendedAt = row.suspendedAt;
        found.suspension = uint8(row.reason);
        found.longOpenInterest = market.longOpenInterest;
        found.shortOpenInterest = market.shortOpenInterest;
        found.index = market.index;
        found.indexNow = _indexNow(market);
        found.lastAccrual = market.lastAccrual;
        found.rate = _fundingRate(market);
        found.parameters = market.parameters;
    }

    function _marginView(Position storage position)
        private
        view
        returns (MarginView memory found)
    {
        Assessment memory assessed = _assess(position);
        found.sequence = position.sequence;
        found.wouldBe = assessed.wouldBe;
        found.size = position.size;
        if (found.size == 0 || assessed.price == 0) return found;
        found.remaining = assessed.remaining;
        found.ratioBps = Arithmetic.ratioBps(assessed.remaining, found.size);
        found.liquidatable = assessed.isLiquidatable;
    }
}
