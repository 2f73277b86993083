// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {PriceFeed, Row, Suspension} from "../PriceFeed.sol";
import {Arithmetic} from "./Arithmetic.sol";
import {
    ExposureExceeded,
    InvalidParameters,
    MarketIsSuspended,
    MarketListed,
    MarketNotListed,
    NoChainPrice,
    StalePrice,
    TooManyMarkets,
    UtilisationExceeded
} from "./Errors.sol";
import {Market, MarketParameters} from "./Types.sol";
import {Vault} from "./Vault.sol";

/// @notice The part of the chain's Alpha precompile that the exchange reads.
interface IAlpha {
    function getAlphaPrice(uint16 netuid) external view returns (uint256);
    function getSubnetMechanism(uint16 netuid) external view returns (uint16);
}

/// @title Markets: their parameters, open interest and prices. market = address(uint160(netuid)).
abstract contract Markets is Vault {
    using SafeCast for int256;
    using SafeCast for uint256;

    IAlpha internal constant ALPHA = IAlpha(0x0000000000000000000000000000000000000808);
    uint16 internal constant DYNAMIC = 1;

    uint256 public constant MARKETS_MAX = 64;
    uint256 public constant WARNING_TIERS_MAX = 8;

    /// @dev With these a liquidated position can never be worth more than 5 × its margin, so the
    /// penalty can always be paid at once, whatever the vault holds.
    uint256 internal constant LEVERAGE_CEILING = 10e18;
    uint256 internal constant MAINTENANCE_BPS_CEILING = 5_000;
    uint256 internal constant PENALTY_BPS_CEILING = 1_000;
    uint256 internal constant FEE_BPS_CEILING = 500;
    uint256 internal constant FUNDING_CAP_CEILING = 30 days;

    PriceFeed public immutable feed;

    mapping(address market => Market) internal _markets;
    address[] internal _listed;
    mapping(address market => uint16[]) private _warningTiers;

    constructor(PriceFeed feed_) {
        feed = feed_;
    }

    function setMarketParameters(uint16 netuid, MarketParameters calldata parameters)
        external
        onlyRole(DEFAULT_ADMIN_ROLE)
    {
        address market = _marketOf(netuid);
        // What has elapsed belongs to the parameters that stood.
        _accrue(market, _requireListed(market));
        _setParameters(market, parameters);
    }

    function listMarket(uint16 netuid, MarketParameters calldata parameters)
        external
        onlyRole(DEFAULT_ADMIN_ROLE)
    {
        address market = _marketOf(netuid);
        if (_markets[market].listed) revert MarketListed(market);
        if (_listed.length == MARKETS_MAX) revert TooManyMarkets();
        _markets[market].listed = true;
        _markets[market].lastAccrual = uint40(block.timestamp);
        _listed.push(market);
        _setParameters(market, parameters);
    }

    /// @notice The margin ratios, falling, at which the fleet warns a trader. Decides nothing here.
    function setWarningTiers(uint16 netuid, uint16[] calldata tiersBps)
        external
        onlyRole(DEFAULT_ADMIN_ROLE)
    {
        address market = _marketOf(netuid);
        _requireListed(market);
        if (tiersBps.length > WARNING_TIERS_MAX) revert InvalidParameters();
        for (uint256 i = 1; i < tiersBps.length; ++i) {
            if (tiersBps[i] >= tiersBps[i - 1]) revert InvalidParameters();
        }
        _warningTiers[market] = tiersBps;
        emit ParametersChanged(market);
    }

    function warningTiers(address market) external view returns (uint16[] memory) {
        return _warningTiers[market];
    }

    function listedMarkets() external view returns (address[] memory) {
        return _listed;
    }

    /// @dev In Funding.sol.
    function _accrue(address key, Market storage market) internal virtual;

    function _requireListed(address key) internal view returns (Market storage market) {
        market = _markets[key];
        if (!market.listed) revert MarketNotListed(key);
    }

    /// @notice Moves the open interest of one side by `change` (signed size).
    function _moveOpenInterest(Market storage market, bool isLong, int256 change) internal {
        uint256 before = _exposureOf(market);
        if (isLong) {
            market.longOpenInterest =
                (int256(uint256(market.longOpenInterest)) + change).toUint256().toUint128();
        } else {
            market.shortOpenInterest =
                (int256(uint256(market.shortOpenInterest)) + change).toUint256().toUint128();
        }
        _totals.exposure = (_totals.exposure - before + _exposureOf(market)).toUint128();
    }

    /// @notice Refuses an opening that left the vault more exposed than its limits allow. One that
    /// made it less exposed always passes.
    function _requireWithinLimits(address key, Market storage market, uint256 before)
        internal
        view
    {
        uint256 exposure = _exposureOf(market);
        if (exposure <= before) return;
        uint256 reserves = _totals.reserves;
        if (exposure * Arithmetic.BPS_ONE > reserves * market.parameters.exposureMaxBps) {
            revert ExposureExceeded(key);
        }
        if (_totals.exposure * Arithmetic.BPS_ONE > reserves * _limits.utilisationMaxBps) {
            revert UtilisationExceeded();
        }
    }

    function _exposureOf(Market storage market) internal view returns (uint256) {
        (uint256 long, uint256 short) = (market.longOpenInterest, market.shortOpenInterest);
        return long > short ? long - short : short - long;
    }

    function _isStale(Row memory row, uint256 ageMax) internal view returns (bool) {
        return row.price == 0 || block.timestamp - row.sourceTime > ageMax;
    }

    /// @notice The feed price, if one may trade on it now.
    function _tradingPrice(address key, Market storage market) internal view returns (uint256) {
        Row memory row = feed.row(_netuidOf(key));
        if (row.reason != Suspension.None) revert MarketIsSuspended(key);
        if (_isStale(row, market.parameters.tradingAgeMax)) revert StalePrice(key);
        return row.price;
    }

    /// @notice The worse, for the trader, of the feed price and the chain's own price at this
    /// block, plus the slippage step, rounded against the trader: otherwise whoever reads the
    /// chain trades risk-free against a feed that may be a deviation band behind.
    function _fillPrice(address key, bool isBuying, uint256 feedPrice)
        internal
        view
        returns (uint256)
    {
        uint256 chainPrice = _chainPrice(key);
        uint256 step = _slippageStep();
        if (isBuying) {
            uint256 higher = chainPrice > feedPrice ? chainPrice : feedPrice;
            return Arithmetic.feeOf(higher, Arithmetic.BPS_ONE + step);
        }
        uint256 lower = chainPrice < feedPrice ? chainPrice : feedPrice;
        return Arithmetic.shareOf(lower, Arithmetic.BPS_ONE - step);
    }

    function _marketOf(uint16 netuid) internal pure returns (address) {
        return address(uint160(netuid));
    }

    /// @dev Only listed markets get here, and those are netuids.
    function _netuidOf(address key) internal pure returns (uint16) {
        return uint16(uint160(key));
    }

    /// @dev A subnet without a price of its own (or dissolved) reads exactly 1 TAO, an empty pool
    /// 0. Neither is a price.
    function _chainPrice(address key) private view returns (uint256 price) {
        uint16 netuid = _netuidOf(key);
        if (ALPHA.getSubnetMechanism(netuid) != DYNAMIC) revert NoChainPrice(key);
        price = ALPHA.getAlphaPrice(netuid);
        if (price == 0) revert NoChainPrice(key);
    }

    function _setParameters(address key, MarketParameters calldata parameters) private {
        bool bounded = parameters.leverageMax >= Arithmetic.ONE
            && parameters.leverageMax <= LEVERAGE_CEILING
            && parameters.maintenanceBps <= MAINTENANCE_BPS_CEILING
            && parameters.maintenanceBps * parameters.leverageMax
                < Arithmetic.BPS_ONE * Arithmetic.ONE
            && parameters.penaltyBps <= PENALTY_BPS_CEILING
            && parameters.keeperShareBps <= Arithmetic.BPS_ONE
            && parameters.openFeeBps <= FEE_BPS_CEILING && parameters.closeFeeBps <= FEE_BPS_CEILING;
        // A position of size 0 would be none: listed, and never to be closed.
        bool sized = parameters.notionalMin > 0 && parameters.exposureMaxBps <= RATIO_BPS_CEILING;
        bool funded = parameters.fundingInterval > 0
            && parameters.fundingRateMax <= Arithmetic.ONE
            && parameters.fundingCap >= parameters.fundingInterval
            && parameters.fundingCap <= FUNDING_CAP_CEILING;
        if (!bounded || !sized || !funded) revert InvalidParameters();
        _markets[key].parameters = parameters;
        emit ParametersChanged(key);
    }
}
