// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

import {PriceFeed, Suspension} from "./PriceFeed.sol";
import {Arithmetic} from "./exchange/Arithmetic.sol";
import {MarketIsSuspended, UtilisationExceeded, WithdrawalReserve} from "./exchange/Errors.sol";
import {Markets} from "./exchange/Markets.sol";
import {Market} from "./exchange/Types.sol";
import {Views} from "./exchange/Views.sol";

/// @title The reference exchange: perpetual futures on Alpha prices, margined in TAO.
/// @notice The world the bots live in, not a product to deploy with other people's money.
/// From the inside out: Ledger (who owns what) → Claims → Vault → Markets → Funding → Positions →
/// Trading → Liquidation → Views.
contract Exchange is Views {
    constructor(PriceFeed feed_, address admin) Markets(feed_) {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    /// @notice Takes reserves out to the admin: at most what leaves the withdrawal reserve of the
    /// present reserves and keeps utilisation within its maximum. Reserves lean on the unrealised
    /// value of all positions, so none may leave while that is unknown in any market.
    function withdrawVault(uint256 amount)
        external
        onlyRole(DEFAULT_ADMIN_ROLE)
        nonReentrant
        wholeGwei(amount)
    {
        _requireValuesKnown();
        uint256 reserves = _totals.reserves;
        uint256 kept = Arithmetic.feeOf(reserves, _limits.withdrawalReserveBps);
        if (amount > reserves - kept) revert WithdrawalReserve(reserves - kept);
        uint256 left = reserves - amount;
        if (_totals.exposure * Arithmetic.BPS_ONE > left * _limits.utilisationMaxBps) {
            revert UtilisationExceeded();
        }
        _totals.reserves = uint128(left);
        emit VaultWithdrawn(amount);
        _send(amount);
    }

    function _requireValuesKnown() private view {
        for (uint256 i; i < _listed.length; ++i) {
            Market storage market = _markets[_listed[i]];
            if (market.longOpenInterest == 0 && market.shortOpenInterest == 0) continue;
            if (feed.row(_netuidOf(_listed[i])).reason != Suspension.None) {
                revert MarketIsSuspended(_listed[i]);
            }
        }
    }
}
