// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

import {OpeningPause} from "./Types.sol";

// Accounts
error NotMultipleOfGwei(uint256 amount);
error ValueMismatch(uint256 amount, uint256 value);
error DepositCapExceeded(uint256 cap);
error InsufficientBalance(uint256 needed, uint256 available);
error TransferFailed();

// Markets and limits
error MarketNotListed(address market);
error MarketListed(address market);
error TooManyMarkets();
error InvalidParameters();
error MarketIsSuspended(address market);
error StalePrice(address market);
error NoChainPrice(address market);

// Vault
error OpeningIsPaused(OpeningPause reason);
error ExposureExceeded(address market);
error UtilisationExceeded();
error WithdrawalReserve(uint256 available);

// Positions
error LeverageOutOfRange(uint256 leverageMax);
error BelowNotionalMin(uint256 size, uint256 notionalMin);
error PositionExists();
error TooManyPositions();
error NoPosition();
error NotTheTrader();
error SameBlock();
error SizeTooLarge(uint256 size);
error SlippageExceeded(uint256 fill, uint256 feed, uint256 maxBps);
error WouldBeLiquidatable(int256 ratioBps);
error WorthLessThanNothing(int256 worth);
error NotYetAvailable();

// Liquidation
error BeneficiaryMissing();
