// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

import {Accrual, Outcome} from "./Types.sol";

/// @title Everything the exchange says: enough for a book kept from logs alone.
interface Events {
    // Accounts
    event Deposited(address indexed trader, uint256 amount);
    event Withdrawn(address indexed trader, uint256 amount);
    event KeeperRewardWithdrawn(address indexed beneficiary, uint256 amount);

    // Positions
    event PositionOpened(
        bytes16 indexed id,
        address indexed trader,
        address indexed market,
        uint64 sequence,
        bool isLong,
        uint256 margin,
        uint256 size,
        uint256 entryPrice,
        int256 entryIndex,
        uint256 fee
    );
    /// @notice A partial close: `margin` and `size` are what is left, the rest is of the part closed.
    event PositionChanged(
        bytes16 indexed id,
        address indexed trader,
        address indexed market,
        uint64 sequence,
        uint256 margin,
        uint256 size,
        uint256 closePrice,
        int256 pnl,
        int256 fundingOwed,
        uint256 fee
    );
    /// @notice `paid` went to the free balance, `claimed` is owed by the vault.
    event PositionClosed(
        bytes16 indexed id,
        address indexed trader,
        address indexed market,
        uint64 sequence,
        uint256 closePrice,
        int256 pnl,
        int256 fundingOwed,
        uint256 fee,
        uint256 paid,
        uint256 claimed
    );

    // Liquidation
    event PositionLiquidated(
        bytes16 indexed id,
        address indexed trader,
        address indexed market,
        uint64 sequence,
        uint256 price,
        int256 index,
        int256 remaining,
        uint256 penalty,
        uint256 keeperShare,
        uint256 badDebt,
        address beneficiary
    );
    event LiquidationSkipped(bytes16 indexed id, Outcome outcome);

    // Funding
    /// @notice `lastAccrual` moved to `until`; `rate` is the interval's rate that stood before.
    event FundingAccrued(address indexed market, int256 index, int256 rate, uint64 until);
    event AccrualSkipped(address indexed market, Accrual outcome);

    // Vault
    event VaultFunded(uint256 amount);
    event VaultWithdrawn(uint256 amount);
    event InsuranceFunded(uint256 amount);
    event BadDebtBooked(bytes16 indexed id, uint256 amount, uint256 covered);
    event ClaimBooked(address indexed trader, uint256 amount);
    event ClaimPaid(address indexed trader, uint256 amount);

    // Administration
    /// @notice The market was listed, or its parameters or warning tiers were set anew.
    event ParametersChanged(address indexed market);
    event LimitsChanged();
    event OpeningPaused();
    event OpeningUnpaused();
}
