// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Arithmetic} from "./Arithmetic.sol";
import {Markets} from "./Markets.sol";
import {Accrual, Market} from "./Types.sol";

/// @title Continuous funding: the heavier side pays the lighter, the vault is the residual.
/// @notice Whoever touches a market accrues it first, by the open interest that stood meanwhile,
/// so a keeper's call changes who owes what through the cap and one rounding step only.
abstract contract Funding is Markets {
    using SafeCast for int256;

    function accrueFunding(address[] calldata markets_)
        external
        onlyRole(KEEPER_ROLE)
        returns (Accrual[] memory outcomes)
    {
        outcomes = new Accrual[](markets_.length);
        for (uint256 i; i < markets_.length; ++i) {
            outcomes[i] = _accrueOnRequest(markets_[i]);
        }
    }

    /// @dev What has elapsed beyond the cap is forfeited: `lastAccrual` moves to now all the same.
    function _accrue(address key, Market storage market) internal override {
        if (market.lastAccrual == block.timestamp) return;
        int256 index = _indexNow(market);
        market.index = index.toInt128();
        market.lastAccrual = uint40(block.timestamp);
        emit FundingAccrued(key, index, _fundingRate(market), uint64(block.timestamp));
    }

    /// @notice The funding index projected to this block's timestamp.
    function _indexNow(Market storage market) internal view returns (int256) {
        uint256 elapsed = block.timestamp - market.lastAccrual;
        if (elapsed == 0) return market.index;
        uint256 cap = market.parameters.fundingCap;
        int256 step = Arithmetic.fundingStep(
            market.longOpenInterest,
            market.shortOpenInterest,
            market.parameters.fundingRateMax,
            elapsed < cap ? elapsed : cap,
            market.parameters.fundingInterval
        );
        return market.index + step;
    }

    function _fundingRate(Market storage market) internal view returns (int256) {
        return Arithmetic.fundingRate(
            market.longOpenInterest, market.shortOpenInterest, market.parameters.fundingRateMax
        );
    }

    function _accrueOnRequest(address key) private returns (Accrual outcome) {
        Market storage market = _markets[key];
        if (!market.listed) {
            outcome = Accrual.UnknownMarket;
        } else if (market.lastAccrual == block.timestamp) {
            outcome = Accrual.NotElapsed;
        } else {
            _accrue(key, market);
            return Accrual.Accrued;
        }
        emit AccrualSkipped(key, outcome);
    }
}
