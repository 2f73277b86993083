// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Arithmetic} from "./Arithmetic.sol";
import {Claims} from "./Claims.sol";
import {InvalidParameters, OpeningIsPaused} from "./Errors.sol";
import {OpeningPause, VaultLimits} from "./Types.sol";

/// @title The counterparty of every fill.
/// @notice What a position loses the vault receives, what it gains the vault pays as far as its
/// reserves go, and the rest becomes the trader's claim. No balance goes negative and nothing
/// reverts for want of reserves.
abstract contract Vault is Claims {
    using SafeCast for uint256;

    uint256 internal constant SLIPPAGE_BPS_CEILING = 2_000;
    /// @dev No limit at all, and still nothing that multiplies by it can overflow.
    uint256 internal constant RATIO_BPS_CEILING = 1e9;

    bool internal _pausedByGuardian;
    int256 internal _fundingLedger;
    uint256 internal _badDebt;
    uint256 internal _badDebtUncovered;

    function fundVault()
        external
        payable
        onlyRole(DEFAULT_ADMIN_ROLE)
        wholeGwei(msg.value)
    {
        _receiveIntoVault(msg.value);
        emit VaultFunded(msg.value);
    }

    function fundInsurance()
        external
        payable
        onlyRole(DEFAULT_ADMIN_ROLE)
        wholeGwei(msg.value)
    {
        _totals.insurance += msg.value.toUint128();
        emit InsuranceFunded(msg.value);
    }

    function setLimits(VaultLimits calldata limits_) external onlyRole(DEFAULT_ADMIN_ROLE) {
        bool ordered = limits_.slippageLowBps <= limits_.slippageMediumBps
            && limits_.slippageMediumBps <= limits_.slippageHighBps
            && limits_.utilisationMediumBps <= limits_.utilisationHighBps
            && limits_.utilisationMaxBps <= limits_.breakerBps;
        bool bounded = limits_.slippageHighBps <= SLIPPAGE_BPS_CEILING
            && limits_.breakerBps <= RATIO_BPS_CEILING
            && limits_.utilisationHighBps <= RATIO_BPS_CEILING
            && limits_.badDebtPauseBps <= RATIO_BPS_CEILING
            && limits_.withdrawalReserveBps <= Arithmetic.BPS_ONE;
        if (!ordered || !bounded) revert InvalidParameters();
        _limits = limits_;
        emit LimitsChanged();
    }

    /// @notice Stops opening only; closing, liquidation and withdrawals go on.
    function pauseOpening() external {
        if (!hasRole(GUARDIAN_ROLE, msg.sender)) _checkRole(DEFAULT_ADMIN_ROLE);
        _pausedByGuardian = true;
        emit OpeningPaused();
    }

    function unpauseOpening() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _pausedByGuardian = false;
        emit OpeningUnpaused();
    }

    function limits() external view returns (VaultLimits memory) {
        return _limits;
    }

    function _receiveIntoVault(uint256 amount) internal {
        _totals.reserves += _fundClaims(amount).toUint128();
    }

    /// @notice Settles released `margin` against what the position is worth, `due` (after fees).
    /// @return paid is the trader's now and yet to be credited: `due` as far as it can be paid.
    /// @return unpaid is the rest of `due`, booked by the caller as the trader's claim.
    function _settle(uint256 margin, int256 due) internal returns (uint256 paid, uint256 unpaid) {
        if (due < int256(margin)) {
            paid = due > 0 ? uint256(due) : 0;
            _receiveIntoVault(margin - paid);
            return (paid, 0);
        }
        uint256 gain = uint256(due) - margin;
        uint256 reserves = _totals.reserves;
        uint256 funded = gain < reserves ? gain : reserves;
        _totals.reserves = uint128(reserves - funded);
        return (margin + funded, gain - funded);
    }

    /// @notice Bad debt is what a position was worth below 0: insurance pays it to the vault as
    /// far as it goes, the vault bears the rest.
    function _bookBadDebt(bytes16 id, int256 remaining) internal returns (uint256 debt) {
        if (remaining >= 0) return 0;
        debt = uint256(-remaining);
        uint256 insurance = _totals.insurance;
        uint256 covered = debt < insurance ? debt : insurance;
        _totals.insurance = uint128(insurance - covered);
        _receiveIntoVault(covered);
        _badDebt += debt;
        _badDebtUncovered += debt - covered;
        emit BadDebtBooked(id, debt, covered);
    }

    function _requireOpeningAllowed() internal view {
        OpeningPause pause = _openingPause();
        if (pause != OpeningPause.None) revert OpeningIsPaused(pause);
    }

    /// @dev An empty vault trips the breaker at no exposure too.
    function _openingPause() internal view returns (OpeningPause) {
        if (_pausedByGuardian) return OpeningPause.Guardian;
        if (_reaches(_totals.exposure, _limits.breakerBps)) return OpeningPause.Breaker;
        uint256 tolerated = uint256(_totals.reserves) * _limits.badDebtPauseBps;
        if (_badDebt * Arithmetic.BPS_ONE > tolerated) return OpeningPause.BadDebt;
        return OpeningPause.None;
    }

    function _slippageStep() internal view returns (uint256) {
        if (_reaches(_totals.exposure, _limits.utilisationHighBps)) return _limits.slippageHighBps;
        if (_reaches(_totals.exposure, _limits.utilisationMediumBps)) {
            return _limits.slippageMediumBps;
        }
        return _limits.slippageLowBps;
    }

    function _reaches(uint256 exposure, uint256 bps) private view returns (bool) {
        return exposure * Arithmetic.BPS_ONE >= uint256(_totals.reserves) * bps;
    }
}
