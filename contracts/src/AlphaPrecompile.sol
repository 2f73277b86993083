// SPDX-License-Identifier: MIT
pragma solidity 0.8.24;

/// @title A stand-in for the chain's Alpha precompile at 0x…0808, for devnet and tests only.
/// @notice The devnet places this code there and writes prices straight into storage:
/// the slot of a netuid is keccak256(abi.encode(netuid, 0)).
contract AlphaPrecompile {
    /// @dev TAO per Alpha scaled by 1e18; 0 = a netuid that does not exist. The price in the low 96
    /// bits, the one before it in the next 96, and above both the block from which on the first
    /// holds: anvil writes into the state of the block that is sealed already, and what is asked of
    /// that block must not know the next one's price. Must stay at slot 0.
    mapping(uint16 netuid => uint256) private _prices;

    /// @notice floor(price × 1e9) × 1e9, and exactly 1e18 where there is no such subnet: so the
    /// chain answers too, which is why a price of 1 alone says nothing.
    function getAlphaPrice(uint16 netuid) external view returns (uint256) {
        uint256 price = _price(netuid);
        return price == 0 ? 1e18 : price - (price % 1e9);
    }

    /// @notice 1 = the subnet has a price of its own, 0 = it has none or does not exist.
    function getSubnetMechanism(uint16 netuid) external view returns (uint16) {
        return _price(netuid) == 0 ? 0 : 1;
    }

    function _price(uint16 netuid) private view returns (uint256) {
        uint256 packed = _prices[netuid];
        return uint96(block.number < packed >> 192 ? packed >> 96 : packed);
    }
}
